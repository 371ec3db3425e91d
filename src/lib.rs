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
//! | 0 | [`space`], [`volume`], [`view`], [`job`] | geometry, voxels, what a pane shows, background work |
//! | 1 | [`image`], [`io`], [`metrics`], [`project`] | operations on volumes; files; figures of merit; the project file |
//! | 2 | [`phantom`], [`nets`] | synthetic heads (they are blurred by `image` and written by `io`); the networks |
//! | 3 | [`train`] | the one training loop |
//! | 4 | [`methods`], [`gpu`] | the papers' methods; drawing. Neither knows the other |
//! | 5 | [`app`] | state, commands, running jobs |
//! | 6 | [`cli`], [`ui`] | the two shells; `ui` starts from the options that `cli` parsed |

#![forbid(unsafe_op_in_unsafe_fn)]

pub mod app;
pub mod cli;
pub mod gpu;
pub mod image;
pub mod io;
pub mod job;
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
