//! Antrum opens a head MRI or CT, finds both maxillary sinuses (the *antra*), shows where they look abnormal, and lets
//! readers label them. Research use only; not a medical device.
//!
//! ```text
//! file ─io─▶ Volume ─methods::sinus─▶ Crop L, Crop R ─methods::*─▶ Finding {score, map}
//!               │                                                      │
//!               └──────────────────────gpu────────── texture ◀─────────┘
//!                                       │
//!                                     screen        user ─ui─▶ Command ─app─▶ State ─read─▶ ui
//! ```
//!
//! Data goes one way. Plain values (volumes, crops, findings) cross every arrow: tensors are born and die inside `nets`,
//! `methods` and `train`, wgpu handles never leave `gpu`, widgets never leave `ui`. The window and the command line are
//! two thin shells over the same functions and give the same numbers.
//!
//! A module imports only from layers below its own (a test holds the code to this table):
//!
//! | layer | modules | know |
//! |---|---|---|
//! | 0 | [`space`], [`job`] | geometry; background work |
//! | 1 | [`volume`], [`view`] | voxels and what they mean; what a pane shows |
//! | 2 | [`image`], [`io`], [`measure`], [`metrics`] | operations on volumes; files; measurements; figures of merit |
//! | 3 | [`phantom`], [`nets`], [`project`] | synthetic heads (blurred by `image`, written by `io`); the networks; the project file (its tables by `io`, agreement by `metrics`) |
//! | 4 | [`train`] | the one training loop |
//! | 5 | [`methods`], [`gpu`] | the papers' methods; drawing. Neither knows the other |
//! | 6 | [`app`] | state, commands, running jobs |
//! | 7 | [`cli`], [`ui`] | the two shells. Neither knows the other |

#![forbid(unsafe_op_in_unsafe_fn)]

/// The notice in the window, the help and every exported file.
pub const NOTICE: &str = "Research use only. Not a medical device.";

pub mod app;
pub mod cli;
pub mod gpu;
pub mod image;
pub mod io;
pub mod job;
pub mod measure;
pub mod methods;
pub mod metrics;
pub mod nets;
pub mod phantom;
pub mod project;
pub mod space;
pub mod train;
pub mod ui;
pub mod view;
pub mod volume;
