"""Lines of the theories measured on data, in every picture of two classes."""

STYLES = {"isotropic": ":", "plane": "--", "whole_law": "-"}
