//! Client certificates of an application: one issued, shown this once, and those that work now.

use leptos::prelude::*;
use mesh_protocol::id::PrincipalId;

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
/// For how long an earlier certificate works beside a new one, in minutes: a day, to bring it to the device.
const OVERLAP_MINUTES: u32 = 24 * 60;
/// As much of a fingerprint as tells two apart.
const FINGERPRINT: usize = 16;

#[component]
pub(super) fn Certificates(
    grant: Signal<GrantView>,
    #[prop(into)] credentials: Signal<Vec<CredentialView>>,
) -> impl IntoView {
    let issuing = RwSignal::new(false);
    let given = RwSignal::new(None::<CredentialCertificate>);
    let (renewing, opened) = (RwSignal::new(None::<(PrincipalId, String)>), RwSignal::new(false));
    let renew = Callback::new(move |of| {
        renewing.set(Some(of));
        opened.set(true);
    });
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
            certificate: wish(csr, days, 0),
        });
    };
    view! {
        <Part title="Client certificates" note="for listeners with TLS: such a client needs no user name and no secret" acts=acts.into_any()>
            {move || given.get().map(|given| view! { <Given given=given/> })}
            {move || view! { <Known credentials=credentials.get() renew=renew may=may/> }}
        </Part>
        <Dialog open=issuing label="Issue a client certificate" class="m-dialog m-dialog--wide">
            <Editor title="Issue a client certificate" save=issue open=issuing right=right::ACCESS_REQUEST verb="Issue" on_save=on_save>
                <Field label="User name" name="username" value=username hint="The certificate's name. Empty: one is made up from the application's name" error=issue.field("username")/>
                <Wish csr=csr days=days save=issue/>
            </Editor>
        </Dialog>
        <Renew open=opened of=renewing given=given/>
    }
    .into_any()
}

/// As it was typed. What is no number is none that is allowed, so that the answer names its field.
fn wish(csr: RwSignal<String>, days: RwSignal<String>, overlap_minutes: u32) -> CertificateWish {
    let csr_pem = Some(csr.get_untracked()).filter(|csr| !csr.trim().is_empty());
    CertificateWish { csr_pem, days: Some(days.get_untracked().trim().parse().unwrap_or(0)), overlap_minutes }
}

/// Another number than any that is allowed when it is none.
fn number(text: RwSignal<String>) -> u32 {
    text.get_untracked().trim().parse().unwrap_or(u32::MAX)
}

/// What a certificate is asked for with.
#[component]
fn Wish<I: 'static>(csr: RwSignal<String>, days: RwSignal<String>, save: Act<I>) -> impl IntoView {
    view! {
        <Field label="Days" name="days" kind="number" value=days hint="At most 397; it ends with the application's last access" error=save.field("days")/>
        <TextArea label="Request of the client (PKCS#10, PEM)" name="csr_pem" value=csr rows=6 hint="Only its key counts. Empty: a key is made here, shown once and kept nowhere" error=save.field("csr_pem")/>
    }
    .into_any()
}

/// What is given, this once.
#[component]
fn Given(given: CredentialCertificate) -> impl IntoView {
    let username = given.credential.username;
    let key = given.key_pem.map(|key| {
        view! { <Secret title=format!("Private key of {username}") secret=Signal::stored(key) note="Shown once, and kept nowhere; when it is lost, renew the certificate."/> }
    });
    view! {
        {key}
        <p class="m-small">"The certificate of " {username} ", until " <Until at_ms=given.ends_at/> ":"</p>
        <Code text=Signal::stored(given.certificate_pem) what="the certificate"/>
        <p class="m-small">"The client must trust the authority of listeners: " <Authority/></p>
    }
    .into_any()
}

/// Where the authority of listeners is to be had. No page of the portal's own: the browser saves it.
#[component]
pub(in crate::pages) fn Authority() -> impl IntoView {
    view! { <a href="/listeners.pem" rel="external" download="mesh-ca.pem">"mesh-ca.pem"</a> }.into_any()
}

/// A certificate beside the one that somebody has, which works on for a while.
#[component]
fn Renew(
    open: RwSignal<bool>,
    of: RwSignal<Option<(PrincipalId, String)>>,
    given: RwSignal<Option<CredentialCertificate>>,
) -> impl IntoView {
    let (csr, days) = (RwSignal::new(String::new()), RwSignal::new(DAYS.to_owned()));
    let overlap = RwSignal::new(OVERLAP_MINUTES.to_string());
    let close = closing(open, TOPICS);
    let renew = Act::new(
        |api, (id, wish): (PrincipalId, CertificateWish)| async move { api.0.renew_certificate(id, wish).await },
        move |made| {
            given.set(Some(made));
            close.run("Certificate issued.");
        },
    );
    let on_save = move |()| {
        if let Some((id, _)) = of.get_untracked() {
            renew.run((id, wish(csr, days, number(overlap))));
        }
    };
    let title = move || {
        let name = of.with_untracked(|of| of.as_ref().map(|(_, name)| name.clone()).unwrap_or_default());
        format!("Renew the certificate of {name}")
    };
    view! {
        <Dialog open=open label="Renew a certificate" class="m-dialog m-dialog--wide">
            <Editor title=title() save=renew open=open right=right::ACCESS_REQUEST verb="Issue" on_save=on_save>
                <Wish csr=csr days=days save=renew/>
                <Field label="Earlier ones work on for, in minutes" name="overlap_minutes" kind="number" value=overlap hint="0: they end at once" error=renew.field("overlap_minutes")/>
            </Editor>
        </Dialog>
    }
    .into_any()
}

#[component]
fn Known(
    credentials: Vec<CredentialView>,
    renew: Callback<(PrincipalId, String)>,
    may: Signal<Right>,
) -> impl IntoView {
    let known = credentials.into_iter().flat_map(|one| {
        let (id, username) = (one.id, one.username);
        one.certificates.into_iter().map(move |certificate| (id, username.clone(), certificate))
    });
    let rows: Vec<_> = known
        .map(|(id, username, certificate)| {
            let whole = certificate.fingerprint.clone();
            let (name, label) = (username.clone(), format!("Renew the certificate of {username}"));
            let short: String = whole.chars().take(FINGERPRINT).collect();
            view! {
                <tr data-certificate=whole>
                    <td><a class="m-cell__name" href=format!("/clients/{id}")>{username}</a></td>
                    <td class="m-mono m-small" title=certificate.fingerprint>{short}</td>
                    <td class="m-muted m-nowrap"><Until at_ms=certificate.until/></td>
                    <td class="m-tight"><Button small=true right=may label=label on_press=move |()| renew.run((id, name.clone()))>"Renew"</Button></td>
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
        <Table label="Certificates" class="m-table--inset" heads=&[("User name", ""), ("SHA-256", ""), ("Works until", ""), ("", "m-tight")]>
            {rows}
        </Table>
    }
    .into_any()
}
