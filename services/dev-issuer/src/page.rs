//! The page on which one chooses who to be; it works without scripts.

use std::fmt::Write;

use crate::personas::PERSONAS;

const STYLE: &str = "body{font:18px/1.5 system-ui,sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem}\
a{display:block;padding:.6rem 1rem;margin:.4rem 0;border:1px solid #8888;border-radius:.5rem;\
text-decoration:none;color:inherit}a:hover,a:focus{background:#8882}small{opacity:.7}";

/// The page for a client, whose request was `query`.
pub(crate) fn choice(client: &str, query: &str) -> String {
    let (client, query) = (escaped(client), escaped(query));
    let mut links = String::new();
    for persona in PERSONAS {
        let unverified = if persona.email_verified {
            ""
        } else {
            " (address not verified)"
        };
        // Writing to a String does not fail.
        let _ok = write!(
            links,
            "<a href=\"/authorize?{query}&amp;persona={}\">{} <small>{}{unverified}</small></a>",
            persona.id, persona.name, persona.email
        );
    }
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>Log in for development</title><style>{STYLE}</style>\
         <h1>Who are you?</h1><p>This issuer is for development: anybody may be anybody. \
         <small>Client: {client}</small></p>{links}\
         <a href=\"/authorize?{query}&amp;persona=nobody\">Nobody <small>(refuse)</small></a></html>"
    )
}

/// For HTML, in text and in attributes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut done, c| {
        match c {
            '&' => done.push_str("&amp;"),
            '<' => done.push_str("&lt;"),
            '>' => done.push_str("&gt;"),
            '"' => done.push_str("&quot;"),
            '\'' => done.push_str("&#39;"),
            c => done.push(c),
        }
        done
    })
}
