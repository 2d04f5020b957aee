//! What is wrong with a route or its broker connection is told in words that say what to do.

use std::path::Path;

use anyhow::Context;
use demo::ports::free_port;
use mesh_agent::part::StartError;
use mesh_protocol::desired::KafkaSecurity;
use mesh_protocol::report::{Part, PartRef, PartState};

use crate::agent::{Agent, STOP, broker, connection, connector, sink_to, source_of};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_told_with_what_to_do() -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let broker = broker(folder.path(), "a", true).await?;
    let there = connection(&broker);
    let agent = Agent::new()?;
    let failing = |part: &Part| part.state == PartState::Failing;
    let detail = |part: Part| part.detail.unwrap_or_default();

    let wrong_password = connector(1, source_of("orders", "orders/{key}", None));
    let part = agent.start_with(&wrong_password, &there, "not the password")?;
    let told = detail(agent.until(PartRef::Source(wrong_password.route), "the refused login", failing).await?);
    assert!(told.contains("refuses the login of meshport") && told.contains("mesh-agent secret set kafka"), "{told}");
    part.stop(STOP).await;

    let mut nowhere = there.clone();
    nowhere.bootstrap = vec![format!("127.0.0.1:{}", free_port()?)];
    let unreachable = connector(2, sink_to("orders", "orders/>"));
    let part = agent.start(&unreachable, &nowhere)?;
    let told = detail(agent.until(PartRef::Sink(unreachable.route), "the silence", failing).await?);
    assert!(told.contains("does not answer"), "{told}");
    part.stop(STOP).await;

    let mut plain = there.clone();
    plain.security = KafkaSecurity { tls: false, ca_pem: None, sasl: None };
    let without_tls = connector(3, source_of("orders", "orders/{key}", None));
    let part = agent.start(&without_tls, &plain)?;
    let told = detail(agent.until(PartRef::Source(without_tls.route), "the closed connection", failing).await?);
    assert!(told.contains("TLS"), "{told}");
    part.stop(STOP).await;

    let mut other_ca = there.clone();
    other_ca.security.ca_pem = Some(broker_of_another(folder.path())?);
    let foreign = connector(4, source_of("orders", "orders/{key}", None));
    let part = agent.start(&foreign, &other_ca)?;
    let told = detail(agent.until(PartRef::Source(foreign.route), "the foreign certificate", failing).await?);
    assert!(told.contains("paste the PEM"), "{told}");
    part.stop(STOP).await;

    let missing = connector(5, source_of("orders", "orders/{key}", None));
    let part = agent.start(&missing, &there)?;
    let told = detail(agent.until(PartRef::Source(missing.route), "the missing topic", failing).await?);
    assert!(told.contains("no topic orders") && told.contains("--create --topic orders"), "{told}");
    broker.create_topics(&[("orders", 1)]).await?;
    agent.until(PartRef::Source(missing.route), "the topic", |part| part.state == PartState::Running).await?;
    part.stop(STOP).await;

    for (work, word) in [
        (source_of("orders", "{oops", None), "template"),
        (source_of("orders", "a", Some("value =")), "filter"),
        (sink_to("{", "a"), "template"),
    ] {
        let Err(StartError::Rejected(told)) = agent.start(&connector(6, work), &there) else {
            anyhow::bail!("{word} was taken")
        };
        assert!(told.contains(word), "{told}");
    }
    let mut no_secret = there.clone();
    no_secret.security.sasl.as_mut().context("it logs in")?.secret = "other".into();
    let Err(StartError::Failing(told)) = agent.start(&missing, &no_secret) else { anyhow::bail!("no secret needed?") };
    assert!(told.contains("mesh-agent secret set other"), "{told}");
    let mut garbage = there;
    garbage.security.ca_pem = Some("not a certificate".into());
    let Err(StartError::Rejected(told)) = agent.start(&missing, &garbage) else { anyhow::bail!("garbage was taken") };
    assert!(told.contains("no PEM certificate"), "{told}");
    Ok(())
}

/// The certificate of an authority that signed nothing here.
fn broker_of_another(folder: &Path) -> anyhow::Result<String> {
    let key = folder.join("other.key");
    let out = std::process::Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=other"])
        .args(["-days", "2", "-keyout"])
        .arg(&key)
        .output()
        .context("start openssl")?;
    anyhow::ensure!(out.status.success(), "openssl: {}", String::from_utf8_lossy(&out.stderr));
    Ok(String::from_utf8(out.stdout)?)
}
