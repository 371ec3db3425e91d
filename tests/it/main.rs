//! Integration tests: one binary, one module per subject.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

/// What runs in the background: cancelled in time, the same whatever the number of threads.
mod background;
/// Sinuses of synthetic heads.
mod finder;
/// Numbers made by the papers' own code and by the usual libraries.
mod golden;
/// Labels: nothing is lost, cases go by, tables come and go.
mod labelling;
/// The modules import only from the layers below theirs.
mod layers;
/// Fine-tuning on a reader's labels.
mod learning;
/// Measuring in the window, and what is kept of it.
mod measuring;
/// Layers over the picture, a second scan beside it, and what is under the mouse.
mod overlays;
/// The plane panes: what the mouse does in them.
mod planes;
/// The program as a process: output, exit codes, bad input, labels that survive a kill.
mod program;
/// Reading files: real ones, generated ones, broken ones.
mod reading;
/// Sinuses of real people, where their scans are at hand.
mod real_scans;
/// Pre-training, classifier and comparison, from end to end.
mod recipe;
/// Registration of synthetic heads that lie elsewhere.
mod registration;
/// What stands around the panes: drawers, menus, settings, keys, figures.
mod shell;
/// Templates and crops by the command line.
mod template;
/// The 3-D pane in the window: turned, clicked, cut.
mod volume;
/// The real window, driven by accessible names.
mod window;
