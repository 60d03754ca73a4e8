//! Remote control: links that were lost are found and brought back.

mod detect;
mod reconnect;
mod reconnector;
mod server;
