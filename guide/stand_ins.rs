//! Stands for crates that this repository does not depend on, so that the guide's code compiles without them.

/// The shape of reqwest's asynchronous client, which here answers by itself.
pub(crate) mod reqwest {
    /// As there.
    #[derive(Clone, Default)]
    pub(crate) struct Client;

    pub(crate) struct RequestBuilder(String);

    pub(crate) struct Response(String);

    pub(crate) type Error = std::io::Error;

    impl Client {
        pub(crate) fn new() -> Self {
            Self
        }

        pub(crate) fn get(&self, url: impl AsRef<str>) -> RequestBuilder {
            RequestBuilder(url.as_ref().to_owned())
        }
    }

    impl RequestBuilder {
        pub(crate) async fn send(self) -> Result<Response, Error> {
            Ok(Response(self.0))
        }
    }

    impl Response {
        pub(crate) fn error_for_status(self) -> Result<Self, Error> {
            Ok(self)
        }

        pub(crate) async fn text(self) -> Result<String, Error> {
            Ok(self.0)
        }
    }
}

/// The part of tokio that the guide names.
pub(crate) mod tokio {
    /// Of two futures here, and one after the other.
    macro_rules! join {
        ($first:expr, $second:expr $(,)?) => {
            ($first.await, $second.await)
        };
    }
    pub(crate) use join;
}
