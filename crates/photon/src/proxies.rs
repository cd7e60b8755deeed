//! The proxies before an application: which of them are believed, in code or from the environment.

use photon_core::{HttpError, Result, TrustedProxies};
use photon_server::ServerConfig;

use crate::App;

impl App {
    /// Believes these proxies when they say whose request they forward: see [`Request::client`](crate::Request::client),
    /// [`scheme`](crate::Request::scheme) and [`host`](crate::Request::host).
    ///
    /// Without it the environment decides: `PHOTON_TRUSTED_PROXIES` names the proxies as [`TrustedProxies`] reads them,
    /// `PHOTON_PROXY_FIELDS` the header fields that they set as [`ForwardedFields`](crate::ForwardedFields) reads those,
    /// and `PHOTON_PROXY_PROTOCOL` is `on` for [`App::proxy_protocol`]. Without either nobody is believed.
    ///
    /// ```
    /// use photon::ClientAddr;
    /// use photon::prelude::*;
    /// use photon::testing::TestClient;
    ///
    /// #[get("/")]
    /// fn index(client: ClientAddr, request: &Request) -> String {
    ///     format!("{} by {}", client.ip, request.scheme())
    /// }
    ///
    /// # fn main() -> photon::Result<()> {
    /// let app = App::new().routes(routes![index]).trusted_proxies("10.0.0.0/8, unix".parse()?);
    /// let client = TestClient::new(app);
    /// let request = client.get("/").peer("10.0.0.1:4711".parse().unwrap());
    /// let response = request.header("x-forwarded-for", "192.0.2.7").header("x-forwarded-proto", "https").send();
    /// assert_eq!(response.text(), "192.0.2.7 by https");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.server.trusted_proxies = proxies;
        self
    }

    /// Has every connection begin with the PROXY protocol, version 1 or 2, which only
    /// [trusted proxies](Self::trusted_proxies) may speak; [`ServerConfig::proxy_protocol`] says more. That is also true of
    /// the address that redirects to HTTPS, if there is one.
    #[must_use]
    pub fn proxy_protocol(mut self) -> Self {
        self.server.proxy_protocol = true;
        self
    }
}

/// Adds what the environment says of proxies to settings that name none.
pub(crate) fn add_environment(config: &mut ServerConfig) -> Result<()> {
    add(config, |name| std::env::var(name).ok())
}

fn add(config: &mut ServerConfig, variable: impl Fn(&str) -> Option<String>) -> Result<()> {
    let variable = |name| variable(name).filter(|value| !value.is_empty());
    let wrong = |name: &str, error: &dyn std::fmt::Display| HttpError::internal(format!("{name}: {error}"));
    if !config.trusted_proxies.is_empty() {
        return Ok(());
    }
    if let Some(text) = variable("PHOTON_TRUSTED_PROXIES") {
        config.trusted_proxies = text.parse().map_err(|error| wrong("PHOTON_TRUSTED_PROXIES", &error))?;
    }
    if let Some(text) = variable("PHOTON_PROXY_FIELDS") {
        let fields = text.parse().map_err(|error| wrong("PHOTON_PROXY_FIELDS", &error))?;
        if config.trusted_proxies.is_empty() {
            let mistake = "it is for the proxies that PHOTON_TRUSTED_PROXIES names, and that is not set";
            return Err(wrong("PHOTON_PROXY_FIELDS", &mistake));
        }
        config.trusted_proxies = std::mem::take(&mut config.trusted_proxies).fields(fields);
    }
    match variable("PHOTON_PROXY_PROTOCOL").as_deref() {
        None | Some("off") => {}
        Some("on") => config.proxy_protocol = true,
        Some(text) => {
            return Err(HttpError::internal(format!(
                "PHOTON_PROXY_PROTOCOL is {text:?}, but must be on or off"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use photon_core::ForwardedFields;

    use super::*;

    fn with(config: ServerConfig, variables: &[(&str, &str)]) -> Result<ServerConfig> {
        let mut config = config;
        let find =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        add(&mut config, find)?;
        Ok(config)
    }

    #[test]
    fn the_environment_names_proxies_and_what_they_do() {
        let config = with(
            ServerConfig::default(),
            &[("PHOTON_TRUSTED_PROXIES", ""), ("PHOTON_PROXY_PROTOCOL", "off")],
        );
        let config = config.unwrap();
        assert!(config.trusted_proxies.is_empty() && !config.proxy_protocol);
        let all = [
            ("PHOTON_TRUSTED_PROXIES", "10.0.0.0/8,unix"),
            ("PHOTON_PROXY_FIELDS", "forwarded"),
            ("PHOTON_PROXY_PROTOCOL", "on"),
        ];
        let config = with(ServerConfig::default(), &all).unwrap();
        assert!(config.trusted_proxies.trusts(None) && config.proxy_protocol);
        assert_eq!(config.trusted_proxies.forwarded_fields(), ForwardedFields::Forwarded);
        // What the application says itself goes before it.
        let own = ServerConfig { trusted_proxies: "192.0.2.1".parse().unwrap(), ..ServerConfig::default() };
        let config = with(own, &all).unwrap();
        assert!(!config.trusted_proxies.trusts(None) && !config.proxy_protocol);
    }

    #[test]
    fn settings_keep_the_proxies_that_were_named_before() {
        let limits = || ServerConfig { max_connections: Some(7), ..ServerConfig::default() };
        let app = App::new().trusted_proxies("192.0.2.1".parse().unwrap()).proxy_protocol();
        let server = app.server_config(limits()).server;
        assert!(server.trusted_proxies.trusts("192.0.2.1:1".parse().ok()) && server.proxy_protocol);
        assert_eq!(server.max_connections, Some(7));
        let others = ServerConfig { trusted_proxies: "unix".parse().unwrap(), ..limits() };
        let app = App::new().trusted_proxies("192.0.2.1".parse().unwrap());
        let server = app.server_config(others).server;
        assert!(server.trusted_proxies.trusts(None));
        assert!(!server.trusted_proxies.trusts("192.0.2.1:1".parse().ok()) && !server.proxy_protocol);
    }

    #[test]
    fn a_malformed_variable_is_named() {
        for (name, value) in [
            ("PHOTON_TRUSTED_PROXIES", "proxy.example"),
            ("PHOTON_PROXY_FIELDS", "x-real-ip"),
            ("PHOTON_PROXY_PROTOCOL", "yes"),
        ] {
            let error = with(ServerConfig::default(), &[(name, value)]).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains(value), "{error}");
        }
        let alone = [("PHOTON_PROXY_FIELDS", "forwarded")];
        let error = with(ServerConfig::default(), &alone).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("PHOTON_TRUSTED_PROXIES"), "{error}");
    }
}
