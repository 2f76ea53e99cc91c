//! What an agent is made of besides its definition.

/// A kind of things that an agent is made of, besides its definition. The platform keeps their names and versions so
/// that the peer's `sync` finds what it created.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PrimitiveKind {
    /// Skills.
    Skill,
    /// Webhooks.
    Webhook,
    /// Triggers.
    Trigger,
    /// Jobs.
    Job,
    /// Preprocessors.
    Preprocessor,
    /// Postprocessors.
    Postprocessor,
    /// MCP servers.
    McpServer,
    /// Devices.
    Device,
    /// Device triggers.
    DeviceTrigger,
    /// Voices.
    Voice,
    /// Workflows.
    Workflow,
}

impl PrimitiveKind {
    /// All kinds.
    pub const ALL: [Self; 11] = [
        Self::Skill,
        Self::Webhook,
        Self::Trigger,
        Self::Job,
        Self::Preprocessor,
        Self::Postprocessor,
        Self::McpServer,
        Self::Device,
        Self::DeviceTrigger,
        Self::Voice,
        Self::Workflow,
    ];

    /// Returns the path of the list, with `{id}` for the agent's id.
    pub fn path(self) -> &'static str {
        match self {
            Self::Skill => "/developer/skills/{id}",
            Self::Webhook => "/developer/webhooks/{id}",
            Self::Trigger => "/developer/triggers/{id}",
            Self::Job => "/developer/jobs/{id}",
            Self::Preprocessor => "/developer/preprocessors/{id}",
            Self::Postprocessor => "/developer/postprocessors/{id}",
            Self::McpServer => "/developer/agents/{id}/mcp-servers",
            Self::Device => "/developer/devices/{id}",
            Self::DeviceTrigger => "/developer/device-triggers/{id}",
            Self::Voice => "/developer/voice-agents/{id}",
            Self::Workflow => "/developer/workflows/{id}",
        }
    }

    /// Returns the key of the list in the answer, or `None` where the answer is the list itself.
    pub fn list_key(self) -> Option<&'static str> {
        match self {
            Self::Skill => Some("skills"),
            Self::Webhook => Some("webhooks"),
            Self::Trigger | Self::DeviceTrigger => Some("triggers"),
            Self::Job => Some("jobs"),
            Self::Preprocessor => Some("preprocessors"),
            Self::Postprocessor => Some("postprocessors"),
            Self::McpServer => None,
            Self::Device => Some("devices"),
            Self::Voice => Some("voices"),
            Self::Workflow => Some("workflows"),
        }
    }

    /// Returns the kind as it is stored and as the manifest of a compiled project names it.
    pub fn label(self) -> &'static str {
        match self {
            Self::Skill => "skill",
            Self::Webhook => "webhook",
            Self::Trigger => "trigger",
            Self::Job => "job",
            Self::Preprocessor => "preprocessor",
            Self::Postprocessor => "postprocessor",
            Self::McpServer => "mcp-server",
            Self::Device => "device",
            Self::DeviceTrigger => "device-trigger",
            Self::Voice => "voice",
            Self::Workflow => "workflow",
        }
    }
}
