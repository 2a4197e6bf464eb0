"""Students on data that are neither isotropic nor separable: laws of some directions and a bulk, and given rows."""
