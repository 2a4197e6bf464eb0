"""Max-margin students: the problem and its optimality (M1)–(M4) in ``optimality``. P ≤ N examples are solved, or
guessed, by ``few_examples``; of more ``support_guess`` guesses the support; ``exact`` makes a guess exact.
"""
