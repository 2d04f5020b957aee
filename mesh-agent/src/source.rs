//! Where records of a broker become events. Each source publishes as its route's principal, through the same policy as
//! any client.

pub mod kafka;
