//! Columns: the common ones every table has, and the native ones each format adds.

/// Type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Str,
    Int,
    Float,
    Bool,
    /// UTC microseconds.
    Time,
    /// JSON text.
    Json,
}

impl Kind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Str => "string",
            Self::Int => "int64",
            Self::Float => "float64",
            Self::Bool => "bool",
            Self::Time => "timestamp[us, UTC]",
            Self::Json => "string (JSON)",
        }
    }
}

/// The list columns that make a pivot one predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    Ip,
    Arn,
    RequestId,
    /// Access key ids.
    Key,
}

impl Link {
    pub const ALL: [Self; 4] = [Self::Ip, Self::Arn, Self::RequestId, Self::Key];

    pub const fn column(self) -> &'static str {
        match self {
            Self::Ip => "ips",
            Self::Arn => "arns",
            Self::RequestId => "request_ids",
            Self::Key => "keys",
        }
    }
}

macro_rules! common {
    ($($variant:ident $name:literal $kind:ident $link:expr, $ecs:literal;)*) => {
        /// A column every table has, with the meaning ECS gives it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(usize)]
        pub enum Common { $($variant),* }

        impl Common {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }

            pub const fn kind(self) -> Kind {
                match self { $(Self::$variant => Kind::$kind),* }
            }

            pub const fn link(self) -> Option<Link> {
                match self { $(Self::$variant => $link),* }
            }

            /// The ECS field of the same meaning.
            pub const fn ecs(self) -> &'static str {
                match self { $(Self::$variant => $ecs),* }
            }
        }
    };
}

common! {
    EventTime "event_time" Time None, "@timestamp";
    EventEnd "event_end" Time None, "event.end";
    AccountId "account_id" Str None, "cloud.account.id";
    Region "region" Str None, "cloud.region";
    Resource "resource" Str None, "service.name";
    SourceIp "source_ip" Str Some(Link::Ip), "source.ip";
    SourcePort "source_port" Int None, "source.port";
    DestinationIp "destination_ip" Str Some(Link::Ip), "destination.ip";
    DestinationPort "destination_port" Int None, "destination.port";
    UserArn "user_arn" Str Some(Link::Arn), "user.id";
    UserName "user_name" Str None, "user.name";
    AccessKeyId "access_key_id" Str Some(Link::Key), "aws.cloudtrail.user_identity.access_key_id";
    SessionName "session_name" Str None, "user.effective.name";
    EventAction "event_action" Str None, "event.action";
    Target "target" Str None, "event.target";
    EventOutcome "event_outcome" Str None, "event.outcome";
    ErrorCode "error_code" Str None, "error.code";
    HttpMethod "http_method" Str None, "http.request.method";
    HttpStatus "http_status" Int None, "http.response.status_code";
    UrlPath "url_path" Str None, "url.path";
    UserAgent "user_agent" Str None, "user_agent.original";
    BytesIn "bytes_in" Int None, "source.bytes";
    BytesOut "bytes_out" Int None, "destination.bytes";
    RequestId "request_id" Str Some(Link::RequestId), "http.request.id";
    TraceId "trace_id" Str Some(Link::RequestId), "trace.id";
}

impl Common {
    pub const COUNT: usize = Self::ALL.len();
}

/// How many common columns go to a list column too.
const LINKED_COUNT: usize = {
    let (mut i, mut count) = (0, 0);
    while i < Common::COUNT {
        count += Common::ALL[i].link().is_some() as usize;
        i += 1;
    }
    count
};

/// The common columns that go to a list column, in order.
pub(super) const LINKED: [(Common, Link); LINKED_COUNT] = {
    let mut all = [(Common::EventTime, Link::Ip); LINKED_COUNT];
    let (mut i, mut at) = (0, 0);
    while i < Common::COUNT {
        if let Some(link) = Common::ALL[i].link() {
            all[at] = (Common::ALL[i], link);
            at += 1;
        }
        i += 1;
    }
    all
};

/// A native column: one of AWS's own fields, with the format's prefix.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Column name, prefix included: `alb_client_ip`.
    pub column: &'static str,
    /// AWS's own spelling: `client:port`.
    pub native: &'static str,
    pub kind: Kind,
    /// The common column this one is copied to where that is still empty.
    pub feeds: Option<Common>,
    pub link: Option<Link>,
}

impl Field {
    pub const fn new(column: &'static str, native: &'static str, kind: Kind) -> Self {
        Self { column, native, kind, feeds: None, link: None }
    }

    pub const fn feeds(mut self, common: Common) -> Self {
        self.feeds = Some(common);
        self
    }

    pub const fn link(mut self, link: Link) -> Self {
        self.link = Some(link);
        self
    }
}
