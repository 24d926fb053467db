//! Every order of messages between areas and the lobby.
