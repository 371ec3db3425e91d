//! Integration tests: one binary, one module per subject.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What runs in the background: cancelled in time, the same whatever the number of threads.
mod background;
/// Sinuses of synthetic heads.
mod finder;
/// Numbers made by the papers' own code and by the usual libraries.
mod golden;
/// The modules import only from the layers below theirs.
mod layers;
/// The program as a process: output, exit codes, bad input, labels that survive a kill.
mod program;
/// Scans of real people, where they are at hand.
mod real_scans;
/// The real window, driven by accessible names.
mod window;
