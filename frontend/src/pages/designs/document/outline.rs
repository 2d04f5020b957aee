//! A document for readers: what it is, where one connects, who sends and receives what, and how the messages look.

use leptos::prelude::*;

use super::message::MessageCard;
use crate::api::{
    AsyncApiChannel, AsyncApiContact, AsyncApiExtra, AsyncApiOperation, AsyncApiOutline, AsyncApiParameter,
    AsyncApiSecurity, AsyncApiServer, TeamContact,
};
use crate::components::{Part, Table, Tags, Topic};

/// All of a document.
#[component]
pub(super) fn Outline(outline: AsyncApiOutline) -> impl IntoView {
    let AsyncApiOutline { servers, channels, operations, messages, .. } = outline.clone();
    let names: Vec<String> = messages.iter().map(|message| heading(&message.words.title, &message.key)).collect();
    view! {
        <About outline=outline/>
        <Servers servers=servers/>
        <Operations operations=operations channels=channels.clone() names=names.clone()/>
        <Channels channels=channels names=names/>
        <Part title="Messages" note="what is sent, each once">
            {if messages.is_empty() {
                view! { <p class="m-small m-muted">"It has no messages."</p> }.into_any()
            } else {
                let cards = messages.into_iter().enumerate();
                cards.map(|(index, message)| view! { <MessageCard id=anchor(index) message=message/> }).collect_view().into_any()
            }}
        </Part>
    }
    .into_any()
}

/// Where a message stands on the page.
fn anchor(index: usize) -> String {
    format!("message-{index}")
}

/// A title, or the key where there is none.
pub(super) fn heading(title: &str, key: &str) -> String {
    if title.is_empty() { key.to_owned() } else { title.to_owned() }
}

/// A page, as a link only when it is one: documents may come from anybody.
#[component]
pub(super) fn Web(url: String) -> impl IntoView {
    match TeamContact::of(&url) {
        TeamContact::Web(address) => {
            let href = address.to_owned();
            view! { <a class="m-wrap" href=href rel="external noopener">{url}</a> }.into_any()
        }
        _ => view! { <span class="m-wrap">{url}</span> }.into_any(),
    }
}

#[component]
fn About(outline: AsyncApiOutline) -> impl IntoView {
    let row = |term: &'static str, value: String| {
        (!value.is_empty()).then(|| view! { <dt>{term}</dt><dd class="m-wrap">{value}</dd> })
    };
    let web =
        |term: &'static str, url: String| (!url.is_empty()).then(|| view! { <dt>{term}</dt><dd><Web url=url/></dd> });
    view! {
        <Part title="About" note="what it is, and whose view it is">
            {(!outline.description.is_empty()).then(|| view! { <p class="m-prose">{outline.description}</p> })}
            <dl class="m-facts">
                {row("Title", outline.title)}
                {row("Version", outline.version)}
                {somebody("Ask", outline.contact)}
                {somebody("License", outline.license)}
                {web("Terms", outline.terms)}
                {web("More", outline.docs)}
                {(!outline.tags.is_empty()).then(|| view! { <dt>"Tags"</dt><dd><Tags tags=outline.tags/></dd> })}
                <dt>"AsyncAPI"</dt>
                <dd class="m-num">{outline.asyncapi}</dd>
                {row("Id", outline.id)}
                {extras(outline.extras)}
            </dl>
        </Part>
    }
    .into_any()
}

fn somebody(term: &'static str, who: AsyncApiContact) -> Option<AnyView> {
    let AsyncApiContact { name, url, email } = who;
    if name.is_empty() && url.is_empty() && email.is_empty() {
        return None;
    }
    let mail = match TeamContact::of(&email) {
        TeamContact::Mail(mail) => Some(format!("mailto:{mail}")),
        _ => None,
    };
    let view = view! {
        <dt>{term}</dt>
        <dd class="m-line m-line--wrap">
            {(!name.is_empty()).then(|| view! { <span>{name}</span> })}
            {(!url.is_empty()).then(|| view! { <Web url=url/> })}
            {match mail {
                Some(href) => view! { <a href=href rel="external">{email}</a> }.into_any(),
                None => view! { <span>{email}</span> }.into_any(),
            }}
        </dd>
    };
    Some(view.into_any())
}

/// What protocols and authors add, as rows of a list of facts.
///
/// What the catalog says of each thing (`x-...`) is folded: it is for programs. That a server is the mesh's own is not said.
pub(super) fn extras(extras: Vec<AsyncApiExtra>) -> impl IntoView {
    let row = |extra: AsyncApiExtra| {
        view! {
            <dt class="m-mono m-wrap">{extra.name}</dt>
            <dd class="m-mono m-small m-wrap">{extra.value}</dd>
        }
    };
    let (folded, shown): (Vec<_>, Vec<_>) = extras
        .into_iter()
        .filter(|extra| extra.name != "x-mesh-server")
        .partition(|extra| extra.name.starts_with("x-"));
    let folded = (!folded.is_empty()).then(|| {
        let summary = crate::format::plural(folded.len(), "extension");
        view! {
            <dt>"Also"</dt>
            <dd><details><summary>{summary}</summary><dl class="m-facts m-small">{folded.into_iter().map(row).collect_view()}</dl></details></dd>
        }
        .into_any()
    });
    view! { {shown.into_iter().map(row).collect_view()}{folded} }.into_any()
}

/// How one proves who one is, in words.
pub(super) fn login(security: &AsyncApiSecurity) -> String {
    let kind = match security.kind.as_str() {
        "userPassword" => "user and password",
        "plain" => "user and password (SASL PLAIN)",
        "scramSha256" => "user and password (SCRAM-SHA-256)",
        "scramSha512" => "user and password (SCRAM-SHA-512)",
        "X509" => "client certificate",
        "http basic" => "user and password (HTTP basic)",
        "http bearer" => "bearer token",
        "oauth2" => "OAuth 2 token",
        "openIdConnect" => "OpenID Connect",
        "apiKey" | "httpApiKey" => "API key",
        "gssapi" => "Kerberos",
        other => other,
    };
    let mut words = kind.to_owned();
    for (lead, more) in [(" in ", &security.place), (" from ", &security.url)] {
        if !more.is_empty() {
            words.push_str(lead);
            words.push_str(more);
        }
    }
    if !security.scopes.is_empty() {
        words.push_str(&format!(" with {}", security.scopes.join(", ")));
    }
    words
}

/// Any one of several ways.
fn logins(security: &[AsyncApiSecurity]) -> String {
    security.iter().map(login).collect::<Vec<_>>().join(", or ")
}

#[component]
fn Servers(servers: Vec<AsyncApiServer>) -> impl IntoView {
    if servers.is_empty() {
        return view! {
            <Part title="Servers">
                <p class="m-small m-muted">"It names no server: where one connects is not known yet."</p>
            </Part>
        }
        .into_any();
    }
    let rows = servers.into_iter().map(|server| {
        let AsyncApiServer { key, words, protocol, address, variables, security } = server;
        let secured = if security.is_empty() { "nothing is asked for".to_owned() } else { logins(&security) };
        let how = security.into_iter().map(|one| one.description).find(|text| !text.is_empty());
        let has_more = !variables.is_empty() || words.extras.iter().any(|extra| extra.name != "x-mesh-server");
        view! {
            <tr>
                <td>
                    <div class="m-cell">
                        <span class="m-cell__name m-wrap">{key}</span>
                        {(!words.description.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{words.description}</span> })}
                        {(!words.tags.is_empty()).then(|| view! { <Tags tags=words.tags/> })}
                        {has_more.then(|| view! { <dl class="m-facts m-small">{parameters(variables)}{extras(words.extras)}</dl> })}
                    </div>
                </td>
                <td>
                    <div class="m-cell">
                        <span class="m-mono m-wrap">{address}</span>
                        <span class="m-cell__sub">{protocol}</span>
                    </div>
                </td>
                <td>
                    <div class="m-cell">
                        <span class="m-wrap">{secured}</span>
                        {how.map(|how| view! { <span class="m-cell__sub m-wrap">{how}</span> })}
                    </div>
                </td>
            </tr>
        }
    });
    view! {
        <Part title="Servers" note="where one connects, and with what" flush=true>
            <Table label="Servers" heads=&[("Server", ""), ("Address", ""), ("Login", "")]>{rows.collect_view()}</Table>
        </Part>
    }
    .into_any()
}

/// What stands in braces, as rows of a list of facts.
fn parameters(parameters: Vec<AsyncApiParameter>) -> impl IntoView {
    let row = |parameter: AsyncApiParameter| {
        let name = format!("{{{}}}", parameter.name);
        let words = meaning(&parameter);
        view! { <dt class="m-mono m-wrap">{name}</dt><dd class="m-wrap">{words}</dd> }
    };
    parameters.into_iter().map(row).collect_view()
}

/// What a level in braces may be, in a sentence.
fn meaning(parameter: &AsyncApiParameter) -> String {
    let mut words = Vec::new();
    let sentence = parameter.description.trim().trim_end_matches('.');
    if !sentence.is_empty() {
        words.push(sentence.to_owned());
    }
    words.push(match (parameter.is_rest, parameter.values.is_empty()) {
        (true, _) => "one level or more, up to the end".to_owned(),
        (false, true) => "any value".to_owned(),
        (false, false) => format!("one of {}", parameter.values.join(", ")),
    });
    if !parameter.default.is_empty() {
        words.push(format!("{} if none is given", parameter.default));
    }
    if parameter.values.is_empty() && !parameter.examples.is_empty() {
        words.push(format!("such as {}", parameter.examples.join(", ")));
    }
    if !parameter.location.is_empty() {
        words.push(format!("found at {}", parameter.location));
    }
    words.join("; ")
}

/// Messages by their places in the list, as links to where they stand.
fn links(places: &[usize], names: &[String]) -> AnyView {
    let link = |place: &usize| {
        let name = names.get(*place)?.clone();
        Some(view! { <li><a class="m-wrap" href=format!("#{}", anchor(*place))>{name}</a></li> })
    };
    view! { <ul class="m-outline__links">{places.iter().filter_map(link).collect_view()}</ul> }.into_any()
}

/// An address as it is shown.
fn place(channel: Option<&AsyncApiChannel>) -> AnyView {
    match channel {
        Some(AsyncApiChannel { address: Some(address), .. }) => view! { <Topic name=address.clone()/> }.into_any(),
        Some(channel) => view! { <span class="m-wrap">{heading(&channel.words.title, &channel.key)}</span> }.into_any(),
        None => view! { <span class="m-bad">"a channel that is not there"</span> }.into_any(),
    }
}

#[component]
fn Operations(operations: Vec<AsyncApiOperation>, channels: Vec<AsyncApiChannel>, names: Vec<String>) -> impl IntoView {
    if operations.is_empty() {
        return view! {
            <Part title="Operations">
                <p class="m-small m-muted">"It says of nobody that they send or receive anything."</p>
            </Part>
        }
        .into_any();
    }
    let rows = operations.into_iter().map(|operation| {
        let channel = operation.channel.and_then(|channel| channels.get(channel));
        let (verb, towards) = match operation.sends {
            Some(true) => ("Sends", "to"),
            Some(false) => ("Receives", "from"),
            None => ("Does not say", "on"),
        };
        let words = operation.words;
        let said = if words.summary.is_empty() { words.description } else { words.summary };
        let asked = logins(&operation.security);
        let reply = operation.reply.map(|reply| {
            let to = reply.channel.and_then(|channel| channels.get(channel)).map(|channel| place(Some(channel)));
            let at = (!reply.address.is_empty()).then(|| view! { <code class="m-wrap">{reply.address.clone()}</code> });
            view! { <div class="m-cell__sub">"answered with "{links(&reply.messages, &names)}" at "{to}{at}</div> }
        });
        view! {
            <tr>
                <td>
                    <div class="m-cell">
                        <span class="m-cell__name">{verb}</span>
                        {links(&operation.messages, &names)}
                        {(!said.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{said}</span> })}
                        {(!asked.is_empty()).then(|| view! { <span class="m-cell__sub m-wrap">{format!("asks for {asked}")}</span> })}
                        {reply}
                    </div>
                </td>
                <td>
                    <div class="m-cell">
                        <span class="m-line m-line--wrap"><span class="m-muted">{towards}</span>{place(channel)}</span>
                        {channel.map(|channel| view! { <span class="m-cell__sub m-wrap">{format!("at {}", channel.servers.join(", "))}</span> })}
                    </div>
                </td>
                <td class="m-low">
                    {(!words.extras.is_empty()).then(|| view! { <dl class="m-facts m-small">{extras(words.extras)}</dl> })}
                </td>
            </tr>
        }
    });
    let rows = rows.collect_view();
    view! {
        <Part title="Operations" note="what is done by whose view this is" flush=true>
            <Table label="Operations" heads=&[("What", ""), ("Where", ""), ("Settings", "m-low")]>{rows}</Table>
        </Part>
    }
    .into_any()
}

#[component]
fn Channels(channels: Vec<AsyncApiChannel>, names: Vec<String>) -> impl IntoView {
    let is_empty = channels.is_empty();
    let cards = channels.into_iter().map(|channel| {
        let where_ = place(Some(&channel));
        let AsyncApiChannel { key, words, parameters: levels, servers, messages, .. } = channel;
        let said = if words.description.is_empty() { words.summary } else { words.description };
        let name = key.clone();
        view! {
            <article class="m-outline__part" data-channel=name>
                <h3 class="m-line m-line--wrap">{where_}</h3>
                {(!said.is_empty()).then(|| view! { <p class="m-prose m-small">{said}</p> })}
                <dl class="m-facts">
                    <dt>"Key"</dt>
                    <dd class="m-mono m-wrap">{key}</dd>
                    {(!servers.is_empty()).then(|| view! { <dt>"Servers"</dt><dd class="m-wrap">{servers.join(", ")}</dd> })}
                    <dt>"Messages"</dt>
                    <dd>{links(&messages, &names)}</dd>
                    {parameters(levels)}
                    {(!words.tags.is_empty()).then(|| view! { <dt>"Tags"</dt><dd><Tags tags=words.tags/></dd> })}
                    {(!words.docs.is_empty()).then(|| view! { <dt>"More"</dt><dd><Web url=words.docs/></dd> })}
                    {extras(words.extras)}
                </dl>
            </article>
        }
    });
    let cards = cards.collect_view();
    view! {
        <Part title="Channels" note="addresses; what stands in braces varies">
            {if is_empty {
                view! { <p class="m-small m-muted">"It has no channels."</p> }.into_any()
            } else {
                cards.into_any()
            }}
        </Part>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_said_in_words() {
        let of = |kind: &str, place: &str, url: &str, scopes: &[&str]| {
            login(&AsyncApiSecurity {
                kind: kind.to_owned(),
                place: place.to_owned(),
                url: url.to_owned(),
                scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
                description: String::new(),
            })
        };
        assert_eq!(of("scramSha512", "", "", &[]), "user and password (SCRAM-SHA-512)");
        assert_eq!(of("httpApiKey", "header X-Key", "", &[]), "API key in header X-Key");
        assert_eq!(
            of("oauth2", "", "https://a.example/token", &["read", "write"]),
            "OAuth 2 token from https://a.example/token with read, write"
        );
        assert_eq!(of("new", "", "", &[]), "new");
    }

    #[test]
    fn what_a_level_may_be_is_a_sentence() {
        let level = AsyncApiParameter { name: "country".to_owned(), ..AsyncApiParameter::default() };
        assert_eq!(meaning(&level), "any value");
        let named = AsyncApiParameter {
            description: "Where it was.".to_owned(),
            values: vec!["fr".to_owned(), "de".to_owned()],
            default: "fr".to_owned(),
            ..level.clone()
        };
        assert_eq!(meaning(&named), "Where it was; one of fr, de; fr if none is given");
        assert_eq!(meaning(&AsyncApiParameter { is_rest: true, ..level }), "one level or more, up to the end");
    }
}
