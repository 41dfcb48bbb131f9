//! Shared by the tests across crates: fixtures, fake nodes, the kernel lab.
