//! Rules that drop what must pass. Every rule here evaluates chains in order; none looks for a word in a ruleset.
