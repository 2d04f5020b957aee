//! What the portal's things are and which rules hold for them, without any IO, clock or database.
//!
//! Everything here can be tested by calling it. Layers above bring rows and time; they never decide.

pub mod access;
pub mod address;
pub mod agent;
pub mod application;
pub mod application_domain;
pub mod audit;
pub mod broker;
pub mod certificate;
pub mod contract;
pub mod denial;
pub mod design;
pub mod desired;
pub mod environment;
pub mod field;
pub mod flow;
pub mod join_token;
pub mod link;
pub mod listener;
pub mod mail;
pub mod notification;
pub mod ownership;
pub mod person;
pub mod principal;
pub mod product;
pub mod queue;
pub mod rates;
pub mod registry;
pub mod role;
pub mod route;
pub mod rule;
pub mod runtime_object;
pub mod scope;
pub mod service_token;
pub mod shape;
pub mod site;
pub mod team;
pub mod usage;
pub mod webhook;
pub mod webhook_endpoint;
