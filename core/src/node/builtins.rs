//! The commands that every node answers itself.

use alloc::string::{String, ToString};

use serde::{Deserialize, Serialize};

use crate::node::presence::peers_json;
use crate::node::{Node, Response};
use crate::wire::letter::{Method, RequestHead, parse};
use crate::{Address, Failure, Network, Reason};

/// Path and description of each.
pub(super) const BUILTINS: [(&str, &str); 5] = [
    ("/commands", "lists the commands of this node"),
    ("/echo", "answers with its argument"),
    ("/peers", "lists the peers of the network, as this node knows them"),
    ("/ping", "answers, if this node is there"),
    ("/why", "says where an address leads from here: {\"to\":\"name@network\"}"),
];

pub(super) fn is_builtin(path: &str) -> bool {
    BUILTINS.iter().any(|(builtin, _)| *builtin == path)
}

/// The JSON of a peer has at least so many bytes: its key alone has 56.
const LEAST_PEER: usize = 80;

#[derive(Serialize)]
struct CommandJson<'a> {
    path: &'a str,
    description: &'a str,
}

#[derive(Deserialize)]
struct WhyArgument {
    to: String,
}

#[derive(Serialize)]
struct WhyJson<'a> {
    to: &'a str,
    rule: &'a str,
    route: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    instance: Option<&'a str>,
}

impl Node {
    /// The answer to a request for what the application does not serve.
    pub(super) fn builtin(
        &self,
        head: &RequestHead,
        from: &Address,
        body: &[u8],
    ) -> Result<Response, Failure> {
        if !is_builtin(&head.uri) {
            return Err(fail(Reason::RESOURCE_NOT_FOUND, "call /commands to see what there is"));
        }
        if head.method != Method::Get {
            return Err(fail(Reason::METHOD, "only get"));
        }
        match &*head.uri {
            "/ping" => Ok(Response::json("{\"pong\":true}")),
            "/echo" => Ok(Response::new(head.content_type.clone(), body)),
            "/commands" => Ok(Response::json(self.commands_json())),
            "/peers" => self.peers_response(from.network()),
            "/why" => self.why_json(from, body).map(Response::json),
            _ => Err(Reason::RESOURCE_NOT_FOUND.into()),
        }
    }

    /// What would not fit in a letter is not put together: it may be long, and asked for often.
    fn peers_response(&self, network: &str) -> Result<Response, Failure> {
        let count = self.peer_count(network).ok_or(Reason::NO_ROUTE)?;
        if count * LEAST_PEER > self.config.limits.letter {
            let text = alloc::format!("{count} peers: too many for one answer");
            return Err(fail(Reason::TOO_LARGE, &text));
        }
        let peers = self.peers(network).ok_or(Reason::NO_ROUTE)?;
        Ok(Response::json(peers_json(&peers)))
    }

    fn commands_json(&self) -> String {
        let own = self.commands.iter().map(|(path, description)| (&**path, &**description));
        let list: alloc::vec::Vec<CommandJson<'_>> = BUILTINS
            .into_iter()
            .chain(own)
            .map(|(path, description)| CommandJson { path, description })
            .collect();
        serde_json::to_string(&list).unwrap_or_default()
    }

    fn why_json(&self, from: &Address, body: &[u8]) -> Result<String, Failure> {
        let argument: WhyArgument = parse(body).map_err(|e| fail(Reason::ARGUMENT, &e))?;
        let network: Network = from.network().parse().map_err(|_| Failure::from(Reason::ARGUMENT))?;
        let to =
            Address::parse_in(&argument.to, &network).map_err(|e| fail(Reason::ARGUMENT, &e.to_string()))?;
        let why = self.why(&to);
        let json = WhyJson {
            to: to.as_str(),
            rule: why.rule,
            route: why.route.to_string(),
            instance: why.instance.as_ref().map(Address::as_str),
        };
        Ok(serde_json::to_string(&json).unwrap_or_default())
    }
}

fn fail(reason: Reason, text: &str) -> Failure {
    Failure { reason, text: text.to_string() }
}
