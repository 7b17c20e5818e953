//! What is read, and the laws that hold for whatever is read.

mod laws;
mod reading;
mod table;
