"""Max-margin students: the problem and its optimality (M1)–(M4) in ``optimality``; a guess of the support from
``support_guess``, made exact or refuted in ``exact``."""
