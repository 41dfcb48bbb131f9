//! A packet's way through the model.
