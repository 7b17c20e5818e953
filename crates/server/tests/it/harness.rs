//! What the tests stand on: a server of their own for each, with a data folder and a database of its own.

mod alike;
mod client;
mod collector;
mod database;
mod fixture;
mod issuer;
mod raw;
mod server;
mod tokens;

pub(crate) use alike::same_answers;
pub(crate) use client::{Answer, Call, Client, errors};
pub(crate) use collector::{Collector, Sent};
pub(crate) use fixture::{Model, ORGANISATION_A, ORGANISATION_B, ORGANISATION_C, example, fresh_id, insert, path_of};
pub(crate) use issuer::{
    AUDIENCE, ISSUER, KEYS, base64url, claims_of_issuer, server_of_issuer, signed, signed_by_issuer,
};
pub(crate) use raw::{RawConnection, raw_request};
pub(crate) use server::{Home, Server, Spawned};
pub(crate) use tokens::Forger;

/// Makes a test on SQLite and one on PostgreSQL of each function, which gets a server that just started.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test]
            fn $test() {
                super::$test(&$crate::harness::Server::start(&$crate::harness::Home::on_sqlite()));
            })+
        }
        mod postgres {
            $(#[test]
            fn $test() {
                super::$test(&$crate::harness::Server::start(&$crate::harness::Home::on_postgres()));
            })+
        }
    };
}
pub(crate) use on_both_databases;
