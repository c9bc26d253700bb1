//! A GitHub on loopback: real HTTP, real `git http-backend`, faults as state.
