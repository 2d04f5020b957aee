//! Client certificates of an application: one issued, shown this once, and those that work now.

use leptos::prelude::*;

use super::TOPICS;
use crate::act::Act;
use crate::api::{
    CertificateInput, CertificateWish, CredentialCertificate, CredentialInput, CredentialView, GrantPhase, GrantView,
};
use crate::components::{Button, Code, Dialog, Empty, Field, Part, Right, Secret, Table, TextArea};
use crate::editor::{Editor, closing};
use crate::pages::clients::Until;
use crate::viewer::{Viewer, right};

/// Of a certificate for which nobody chose, in days.
const DAYS: &str = "90";
/// As much of a fingerprint as tells two apart.
const FINGERPRINT: usize = 16;

#[component]
pub(super) fn Certificates(
    grant: Signal<GrantView>,
    #[prop(into)] credentials: Signal<Vec<CredentialView>>,
) -> impl IntoView {
    let issuing = RwSignal::new(false);
    let given = RwSignal::new(None::<CredentialCertificate>);
    let may = Signal::derive(move || {
        if grant.with(|grant| matches!(grant.phase, GrantPhase::Provisioning | GrantPhase::Live)) {
            Viewer::has(right::ACCESS_REQUEST)
        } else {
            Right::Missing("Without access there is nothing to log in for.".to_owned())
        }
    });
    let application = grant.with_untracked(|grant| grant.application);
    let acts = view! { <Button small=true icon="plus" right=may on_press=move |()| issuing.set(true)>"Issue a certificate"</Button> };
    let close = closing(issuing, TOPICS);
    let (username, csr) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let days = RwSignal::new(DAYS.to_owned());
    let issue = Act::new(
        move |api, input: CertificateInput| async move { api.0.issue_certificate(application, input).await },
        move |made| {
            given.set(Some(made));
            close.run("Certificate issued.");
        },
    );
    let on_save = move |()| {
        let username = username.get_untracked().trim().to_owned();
        issue.run(CertificateInput {
            credential: CredentialInput { username, ..CredentialInput::default() },
            certificate: CertificateWish {
                csr_pem: Some(csr.get_untracked()).filter(|csr| !csr.trim().is_empty()),
                days: Some(days.get_untracked().trim().parse().unwrap_or(0)),
                overlap_minutes: 0,
            },
        });
    };
    view! {
        <Part title="Client certificates" note="for listeners with TLS: such a client needs no user name and no secret" acts=acts.into_any()>
            {move || given.get().map(|given| view! { <Given given=given/> })}
            {move || view! { <Known credentials=credentials.get()/> }}
        </Part>
        <Dialog open=issuing label="Issue a client certificate" class="m-dialog m-dialog--wide">
            <Editor title="Issue a client certificate" save=issue open=issuing right=right::ACCESS_REQUEST verb="Issue" on_save=on_save>
                <Field label="User name" name="username" value=username hint="The certificate's name. Empty: one is made up from the application's name" error=issue.field("username")/>
                <Field label="Days" name="days" kind="number" value=days hint="At most 397; it ends with the application's last access" error=issue.field("days")/>
                <TextArea label="Request of the client (PKCS#10, PEM)" name="csr_pem" value=csr rows=6 hint="Only its key counts. Empty: a key is made here, shown once and kept nowhere" error=issue.field("csr_pem")/>
            </Editor>
        </Dialog>
    }
    .into_any()
}

/// What is given, this once.
#[component]
fn Given(given: CredentialCertificate) -> impl IntoView {
    let username = given.credential.username;
    let key = given.key_pem.map(|key| {
        view! { <Secret title=format!("Private key of {username}") secret=Signal::stored(key)/> }
    });
    view! {
        {key}
        <p class="m-small">"The certificate of " {username} ", until " <Until at_ms=given.ends_at/> ":"</p>
        <Code text=Signal::stored(given.certificate_pem) what="the certificate"/>
        <p class="m-small">"The authority of listeners, which the client must trust:"</p>
        <Code text=Signal::stored(given.authority_pem) what="the authority"/>
    }
    .into_any()
}

#[component]
fn Known(credentials: Vec<CredentialView>) -> impl IntoView {
    let known = credentials.into_iter().flat_map(|one| {
        let (id, username) = (one.id, one.username);
        one.certificates.into_iter().map(move |certificate| (id, username.clone(), certificate))
    });
    let rows: Vec<_> = known
        .map(|(id, username, certificate)| {
            let whole = certificate.fingerprint.clone();
            let short: String = whole.chars().take(FINGERPRINT).collect();
            view! {
                <tr data-certificate=whole>
                    <td><a class="m-cell__name" href=format!("/clients/{id}")>{username}</a></td>
                    <td class="m-mono m-small" title=certificate.fingerprint>{short}</td>
                    <td class="m-muted"><Until at_ms=certificate.until/></td>
                </tr>
            }
        })
        .collect();
    if rows.is_empty() {
        return view! {
            <Empty icon="key" title="No certificate" text="A client with a certificate proves who it is by a key that never leaves it."/>
        }
        .into_any();
    }
    view! {
        <Table label="Certificates" class="m-table--inset" heads=&[("User name", ""), ("SHA-256", ""), ("Works until", "")]>
            {rows}
        </Table>
    }
    .into_any()
}
