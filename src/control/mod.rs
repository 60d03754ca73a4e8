//! The control protocol between client, host and the other verbs.
