//! The SIP engine on a simulated network of lossy links and virtual time: one file per behaviour.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

mod always_ring;
mod app_gone;
mod automatic_answers;
mod bridging;
mod cancel;
mod cdr;
mod connection_death;
mod dead_connection;
mod dialog_uac_forks;
mod dialog_uas;
mod dialog_wanted_forks;
mod ended_dialogs;
mod extensions;
mod external_address;
mod failed_targets;
mod failover;
mod flows;
mod glare;
mod hostile_input;
mod in_dialog;
mod invite_client_transaction;
mod invite_server_transaction;
mod ipv6;
mod large_requests;
mod latency;
mod limits;
mod localhost;
mod lossy_calls;
mod maddr;
mod merged_requests;
mod multi_homed;
mod names;
mod nat;
mod nat_rebind;
mod non_invite_client_transaction;
mod non_invite_server_transaction;
mod out_of_turn;
mod outbound_proxy;
mod overload;
mod passing;
mod prack_orders;
mod proxy_best_response;
mod proxy_cancel;
mod proxy_cancel_reason;
mod proxy_challenges;
mod proxy_failures;
mod proxy_groups;
mod proxy_headers;
mod proxy_in_dialog;
mod proxy_late_success;
mod proxy_loops;
mod proxy_max_breadth;
mod proxy_non_invite;
mod proxy_prack;
mod proxy_progress;
mod proxy_record_route;
mod proxy_redirect;
mod proxy_routes;
mod proxy_serial;
mod proxy_silence;
mod proxy_simultaneous;
mod proxy_stop;
mod proxy_timers;
mod random_forks;
mod refer;
mod registrations;
mod reliable_uac;
mod reliable_uas;
mod replaces;
mod resolution;
mod restless;
mod route_set;
mod rport;
mod screening;
mod session_expiry;
mod session_timer;
mod silent_application;
mod silent_commands;
mod silent_peer;
mod sips;
mod spiral;
mod stateless;
mod strict_routers;
mod subscribe;
mod success_retransmission;
mod succession;
mod target_refresh;
mod transaction_matching;
mod unanswered;
mod update;
mod world;
