//! Ours against numbers of other programs. The fixtures' salt is read from the fixture, so that others can be put in.

mod fixture;
mod images;
mod metrics;
mod networks;
mod training;
