//! What reaches the disk in which order.
