//! What can be asked about characters, the way into the world, and what clients fetch.

use serde_json::{Value, json};

use super::operations::{DELETE, GET, Operation, POST};
use super::schema_of;
use crate::http::{characters, oidc, resources, start};

/// All of it.
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/v1/characters",
        id: "characters",
        summary: "The account's characters.",
        logged_in: true,
        answered: (200, Some(schema_of::<characters::Characters>)),
        ..GET
    },
    Operation {
        path: "/v1/characters",
        id: "create_character",
        summary: "One more character.",
        logged_in: true,
        asked: Some(schema_of::<characters::Asked>),
        answered: (201, Some(schema_of::<crate::characters::Listed>)),
        refused: &[
            "bad_json",
            "bad_name",
            "reserved_name",
            "name_taken",
            "too_many_characters",
        ],
        ..POST
    },
    Operation {
        path: "/v1/characters/{id}",
        id: "delete_character",
        summary: "Delete a character; for a while it can be restored.",
        logged_in: true,
        answered: (200, Some(schema_of::<characters::Deleted>)),
        refused: &["no_such_character", "not_yours"],
        ..DELETE
    },
    Operation {
        path: "/v1/characters/{id}/restore",
        id: "restore_character",
        summary: "Undo a deletion.",
        logged_in: true,
        answered: (200, Some(schema_of::<crate::characters::Listed>)),
        refused: &["no_such_character", "not_yours", "name_taken", "too_late"],
        ..POST
    },
    Operation {
        path: "/v1/start",
        id: "start",
        summary: "A ticket to enter the world with a character, good once for 30 s.",
        logged_in: true,
        asked: Some(schema_of::<start::Asked>),
        answered: (200, Some(schema_of::<start::Start>)),
        refused: &[
            "bad_json",
            "client_outdated",
            "not_yours",
            "deleted",
            "no_such_character",
            "company_not_in_world",
            "company_unreachable",
            "in_the_world",
        ],
        ..POST
    },
    Operation {
        path: "/v1/oidc/providers",
        id: "providers",
        summary: "The OpenID providers one can log in with.",
        answered: (200, Some(schema_of::<oidc::Providers>)),
        ..GET
    },
    Operation {
        path: "/v1/oidc/{provider}/authorize",
        id: "authorize",
        summary: "Sends a browser to the provider.",
        query: &[(
            "return",
            "Where to go after the login: a path of this server.",
        )],
        answered: (302, None),
        refused: &[
            "not_found",
            "bad_return",
            "no_public_url",
            "provider_unavailable",
        ],
        ..GET
    },
    Operation {
        path: "/v1/oidc/{provider}/link",
        id: "link",
        summary: "Begin a login whose word counts for the account that asks: how a guest keeps the character.",
        logged_in: true,
        asked: Some(schema_of::<oidc::Link>),
        answered: (200, Some(schema_of::<oidc::Linking>)),
        refused: &[
            "bad_json",
            "not_found",
            "bad_return",
            "no_public_url",
            "provider_unavailable",
        ],
        ..POST
    },
    Operation {
        path: "/v1/oidc/{provider}/callback",
        id: "callback",
        summary: "Where the provider sends the browser back; goes on to a page, with a cookie or with login_error.",
        query: &[
            ("code", "What the provider gives for its token."),
            ("state", "What the login was begun with."),
            ("error", "Why the provider refuses."),
            ("iss", "Who answers (RFC 9207)."),
        ],
        answered: (303, None),
        ..GET
    },
    Operation {
        path: "/v1/resources",
        id: "resources",
        summary: "Whether a client has the version it shall have, and the files that make it up.",
        query: &[("version", "What the client has; absent: nothing.")],
        answered: (200, Some(schema_of::<resources::Answer>)),
        refused: &["bad_version", "client_outdated"],
        ..GET
    },
    Operation {
        path: "/v1/files/{sha256}",
        id: "file",
        summary: "A file of a published version, by the SHA-256 of its content; ranges and If-None-Match are understood.",
        refused: &["not_found"],
        ..GET
    },
    Operation {
        path: "/maps/{file}",
        id: "map",
        summary: "A map as a browser draws it, or a picture that maps refer to.",
        refused: &["not_found"],
        ..GET
    },
    Operation {
        path: "/.well-known/jwks.json",
        id: "json_web_keys",
        summary: "What verifies access tokens (RFC 7517).",
        answered: (200, Some(any_object)),
        ..GET
    },
    Operation {
        path: "/v1/openapi.json",
        id: "openapi",
        summary: "This document.",
        answered: (200, Some(any_object)),
        ..GET
    },
];

fn any_object(_: &mut schemars::SchemaGenerator) -> Value {
    json!({ "type": "object" })
}
