//! A browser without a window: it keeps cookies by their paths and goes where it is told, one step at a time.

use std::collections::BTreeMap;

use anyhow::Context;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A browser; clones go on apart.
#[derive(Debug, Clone, Default)]
pub struct Browser {
    /// By name: path and value. As in every browser, the port does not matter.
    cookies: BTreeMap<String, (String, String)>,
}

/// What a server said.
#[derive(Debug)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// Where to go next, if anywhere.
    pub location: Option<String>,
    /// The body; `null` when it is not JSON.
    pub body: Value,
}

impl Browser {
    /// The value of a cookie that it holds.
    #[must_use]
    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.get(name).map(|(_, value)| value.as_str())
    }

    /// Goes to an address, as somebody who follows a link.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn go(&mut self, url: &str) -> anyhow::Result<Page> {
        self.ask("GET", url, &[("accept", "text/html,*/*;q=0.8")], "")
            .await
    }

    /// Posts JSON, as a page's script does.
    ///
    /// # Errors
    /// When there is no answer.
    pub async fn post(
        &mut self,
        url: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<Page> {
        let json = [("content-type", "application/json")];
        self.ask("POST", url, &[&json, headers].concat(), &body.to_string())
            .await
    }

    async fn ask(
        &mut self,
        method: &str,
        url: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> anyhow::Result<Page> {
        let rest = url.strip_prefix("http://").context("an http address")?;
        let (authority, path) = rest.split_at(rest.find('/').context("a path")?);
        let mut head = format!("{method} {path} HTTP/1.0\r\nhost: {authority}\r\n");
        let fitting = |(_, (below, _)): &(&String, &(String, String))| path.starts_with(below);
        let cookies = self.cookies.iter().filter(fitting);
        let cookies: Vec<_> = cookies
            .map(|(name, (_, value))| format!("{name}={value}"))
            .collect();
        head.push_str(&format!("cookie: {}\r\n", cookies.join("; ")));
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
        let mut stream = TcpStream::connect(authority).await?;
        stream.write_all(head.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").context("head and body")?;
        let mut page = Page {
            status: head.get(9..12).context("a status")?.parse()?,
            location: None,
            body: serde_json::from_str(body).unwrap_or_default(),
        };
        for (name, value) in head.lines().filter_map(|line| line.split_once(": ")) {
            match name.to_ascii_lowercase().as_str() {
                "location" => page.location = Some(value.to_owned()),
                "set-cookie" => self.take(value)?,
                _ => {}
            }
        }
        Ok(page)
    }

    /// Takes a cookie, or throws one away.
    fn take(&mut self, header: &str) -> anyhow::Result<()> {
        let mut parts = header.split("; ");
        let (name, value) = parts
            .next()
            .and_then(|pair| pair.split_once('='))
            .context("a pair")?;
        let mut path = "/";
        for part in parts {
            match part.split_once('=') {
                Some(("Path", given)) => path = given,
                Some(("Max-Age", "0")) => {
                    self.cookies.remove(name);
                    return Ok(());
                }
                _ => {}
            }
        }
        self.cookies
            .insert(name.to_owned(), (path.to_owned(), value.to_owned()));
        Ok(())
    }
}

impl Page {
    /// Where it leads.
    ///
    /// # Errors
    /// When it leads nowhere.
    pub fn leads_to(&self) -> anyhow::Result<&str> {
        let nowhere = || format!("{} {} leads nowhere", self.status, self.body);
        self.location.as_deref().with_context(nowhere)
    }
}
