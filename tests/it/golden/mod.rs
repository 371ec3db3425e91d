//! Ours against numbers of other programs. The fixtures' salt is read from the fixture, so that others can be put in.

mod cae;
mod fixture;
mod images;
