//! Whom one can be.

/// A user of the development issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Persona {
    /// In addresses, and with `persona-` before it the subject of tokens: `ada`.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The address it claims to have.
    pub email: &'static str,
    /// Whether the issuer has seen a letter arrive there.
    pub email_verified: bool,
}

const fn persona(
    id: &'static str,
    name: &'static str,
    email: &'static str,
    email_verified: bool,
) -> Persona {
    Persona {
        id,
        name,
        email,
        email_verified,
    }
}

/// All of them; the last one's address was never verified.
pub const PERSONAS: [Persona; 6] = [
    persona("ada", "Ada", "ada@example.test", true),
    persona("ben", "Ben", "ben@example.test", true),
    persona("cleo", "Cleo", "cleo@example.test", true),
    persona("dov", "Dov", "dov@example.test", true),
    persona("eve", "Eve", "eve@example.test", true),
    persona("finn", "Finn", "finn@example.test", false),
];

/// The persona with this id.
pub(crate) fn find(id: &str) -> Option<&'static Persona> {
    PERSONAS.iter().find(|persona| persona.id == id)
}
