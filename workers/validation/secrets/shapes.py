"""How the keys of known vendors look. A shape is a fact of its vendor's documentation; each has a literal to look for
first, so that most lines cost one substring test and no regular expression."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reign.core.findings import Severity


@dataclass(frozen=True)
class Shape:
    """A kind of key: ``pattern``'s group ``secret`` (or its whole match) is the key."""

    rule: str
    title: str
    literals: tuple[str, ...]  # lower case; one of them stands in every line that can match
    pattern: re.Pattern[str]
    severity: Severity = Severity.CRITICAL
    revoke: str = ""  # where it is made invalid


def _shape(
    rule: str,
    title: str,
    literals: str,
    pattern: str,
    *,
    flags: int = 0,
    severity: Severity = Severity.CRITICAL,
    revoke: str = "",
) -> Shape:
    return Shape(rule, title, tuple(literals.split()), re.compile(pattern, flags), severity, revoke)


_B = r"(?<![A-Za-z0-9_])"  # starts a word
_E = r"(?![A-Za-z0-9_])"  # ends one
_I = re.IGNORECASE

# Programs that take a password among their words: one of them, and where in its line the password stands.
_COMMANDS = (
    ("curl", r"\bcurl\b[^|;]*?\s(?:-u|--user)[ =]?['\"]?[^\s:'\"]{1,100}:(?P<secret>[^\s'\"|;]{3,200})"),
    ("mysql mariadb", r"\b(?:mysql|mariadb)[a-z-]*\s(?:[^|;]*\s)?-p(?P<secret>[^\s'\"|;]{4,200})"),
    ("sshpass", r"\bsshpass\s+-p\s*['\"]?(?P<secret>[^\s'\"|;]{3,200})"),
)

# Prefixes that a service puts before its keys so that scanners know them, with the length and letters it gives them.
_SERVICES = (
    ("airtable-token", "Airtable token", "pat", r"pat[A-Za-z0-9]{14}\.[a-f0-9]{64}"),
    ("artifactory-key", "Artifactory API key", "akcp", r"AKCp[A-Za-z0-9]{69}"),
    ("atlassian-token", "Atlassian API token", "atatt3", r"ATATT3[A-Za-z0-9_=-]{60,}"),
    ("brevo-key", "Brevo API key", "xkeysib-", r"xkeysib-[a-f0-9]{64}-[A-Za-z0-9]{16}"),
    ("buildkite-token", "Buildkite token", "bkua_", r"bkua_[a-f0-9]{40}"),
    ("circleci-token", "CircleCI token", "ccipat_", r"CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40}"),
    ("contentful-token", "Contentful token", "cfpat-", r"CFPAT-[A-Za-z0-9_-]{43}"),
    (
        "discord-webhook",
        "Discord webhook address",
        "discord",
        r"discord(?:app)?\.com/api/webhooks/\d{17,20}/[A-Za-z0-9_-]{60,}",
    ),
    ("doppler-token", "Doppler token", "dp.", r"dp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9_.]{40,}"),
    ("facebook-token", "Facebook access token", "eaacedeose0cba", r"EAACEdEose0cBA[0-9A-Za-z]{20,}"),
    ("figma-token", "Figma token", "figd_", r"figd_[A-Za-z0-9_-]{38,}"),
    ("fly-token", "Fly.io token", "fo1_ fm1 fm2", r"fo1_[A-Za-z0-9_-]{43}|fm[12][ar]?_[A-Za-z0-9+/=_-]{80,}"),
    ("groq-key", "Groq API key", "gsk_", r"gsk_[A-Za-z0-9]{52}"),
    ("heroku-key", "Heroku API key", "hrku-", r"HRKU-[A-Za-z0-9_-]{36,}"),
    ("hubspot-token", "HubSpot token", "pat-", r"pat-(?:na|eu)\d-[a-f0-9]{8}(?:-[a-f0-9]{4}){3}-[a-f0-9]{12}"),
    ("linear-key", "Linear API key", "lin_", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}"),
    ("mailgun-key", "Mailgun API key", "key-", r"key-[a-f0-9]{32}"),
    ("netlify-token", "Netlify token", "nfp_", r"nfp_[A-Za-z0-9]{36,}"),
    ("newrelic-key", "New Relic API key", "nrak- nrii-", r"NRAK-[A-Z0-9]{27}|NRII-[A-Za-z0-9_-]{32}"),
    ("notion-token", "Notion token", "ntn_ secret_", r"ntn_[A-Za-z0-9]{43,}|secret_[A-Za-z0-9]{43}"),
    ("octopus-key", "Octopus Deploy API key", "api-", r"API-[A-Z0-9]{25,26}"),
    ("perplexity-key", "Perplexity API key", "pplx-", r"pplx-[A-Za-z0-9]{48}"),
    ("planetscale-token", "PlanetScale token", "pscale_", r"pscale_(?:tkn|pw|oauth)_[A-Za-z0-9_.-]{32,}"),
    ("postman-key", "Postman API key", "pmak-", r"PMAK-[a-f0-9]{24}-[a-f0-9]{32,34}"),
    ("pulumi-token", "Pulumi token", "pul-", r"pul-[a-f0-9]{40}"),
    ("replicate-token", "Replicate token", "r8_", r"r8_[A-Za-z0-9]{37}"),
    ("rubygems-key", "RubyGems API key", "rubygems_", r"rubygems_[a-f0-9]{48}"),
    ("sentry-token", "Sentry token", "sntry", r"sntrys_[A-Za-z0-9+/=_-]{50,}|sntryu_[a-f0-9]{64}"),
    ("shippo-token", "Shippo token", "shippo_live_", r"shippo_live_[a-f0-9]{40}"),
    ("sonar-token", "SonarQube token", "squ_ sqp_ sqa_", r"sq[upa]_[a-f0-9]{40}"),
    ("square-token", "Square access token", "sq0atp- eaaa", r"sq0atp-[0-9A-Za-z_-]{22}|EAAA[EL][A-Za-z0-9_-]{59}"),
    ("supabase-token", "Supabase token", "sbp_", r"sbp_[a-f0-9]{40}"),
    ("tailscale-key", "Tailscale key", "tskey-", r"tskey-[a-z]+-[A-Za-z0-9]+-[A-Za-z0-9]{20,}"),
    ("typeform-token", "Typeform token", "tfp_", r"tfp_[A-Za-z0-9_.-]{40,}"),
    ("xai-key", "xAI API key", "xai-", r"xai-[A-Za-z0-9]{80}"),
)

SHAPES: tuple[Shape, ...] = (
    _shape(
        "aws-access-key",
        "AWS access key id",
        "akia asia abia acca",
        rf"{_B}(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{{16}}{_E}",
        revoke="the IAM console",
    ),
    _shape(
        "aws-secret-key",
        "AWS secret access key",
        "aws",
        r"aws.{0,20}?(?:key|secret|pwd|password|token).{0,20}?[=:\s]\s*['\"]?"
        r"(?P<secret>[0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+=])",
        flags=_I,
        revoke="the IAM console",
    ),
    _shape(
        "github-token",
        "GitHub token",
        "ghp_ gho_ ghu_ ghs_ ghr_ github_pat_",
        rf"{_B}(?:gh[pousr]_[A-Za-z0-9]{{36,251}}|github_pat_[A-Za-z0-9]{{22}}_[A-Za-z0-9]{{59}}){_E}",
        revoke="GitHub: Settings, Developer settings",
    ),
    _shape(
        "gitlab-token",
        "GitLab token",
        "glpat- gldt- glft- glsoat- glrt- glcbt- glptt- gloas- glagent- glimt- gr1348941",
        rf"{_B}(?:gl(?:pat|dt|ft|soat|rt|cbt|ptt|oas|agent|imt)-[A-Za-z0-9_-]{{20,}}|"
        rf"GR1348941[A-Za-z0-9_-]{{20,50}}){_E}",
        revoke="GitLab: Access tokens",
    ),
    _shape(
        "slack-token",
        "Slack token",
        "xox xapp-",
        rf"{_B}(?:xox[abeoprs]-(?:\d+-)*[A-Za-z0-9]{{10,}}(?:-[A-Za-z0-9]+)*|xapp-\d-[A-Z0-9]+-\d+-[a-z0-9]+)",
        revoke="api.slack.com/apps",
    ),
    _shape(
        "slack-webhook",
        "Slack webhook address",
        "hooks.slack.com",
        r"hooks\.slack\.com/(?:services|workflows|triggers)/T[A-Za-z0-9_]{6,}/[A-Za-z0-9_]{6,}/[A-Za-z0-9_]{16,}",
        severity=Severity.HIGH,
        revoke="api.slack.com/apps",
    ),
    _shape(
        "stripe-key",
        "Stripe live key",
        "k_live_ whsec_",
        rf"{_B}(?:[rs]k_live_[0-9a-zA-Z]{{16,}}|whsec_[0-9a-zA-Z+/]{{32,}})",
        revoke="Stripe: Developers, API keys",
    ),
    _shape(
        "stripe-test-key",
        "Stripe test key",
        "k_test_",
        rf"{_B}[rs]k_test_[0-9a-zA-Z]{{16,}}",
        severity=Severity.MEDIUM,
        revoke="Stripe: Developers, API keys",
    ),
    _shape(
        "anthropic-key",
        "Anthropic API key",
        "sk-ant-",
        rf"{_B}sk-ant-[a-z]+\d{{2}}-[A-Za-z0-9_-]{{32,}}",
        revoke="the Anthropic console",
    ),
    _shape(
        "openai-key",
        "OpenAI API key",
        "sk-",
        rf"{_B}sk-(?!ant-)(?:[A-Za-z0-9_-]*T3BlbkFJ[A-Za-z0-9_-]{{16,}}|"
        rf"(?:proj|svcacct|admin)-[A-Za-z0-9_-]{{32,}}|[A-Za-z0-9]{{48}}{_E})",
        revoke="platform.openai.com, API keys",
    ),
    _shape(
        "google-api-key",
        "Google API key",
        "aiza",
        rf"{_B}AIza[0-9A-Za-z_-]{{35}}(?![0-9A-Za-z_-])",
        severity=Severity.HIGH,
        revoke="the Google Cloud console",
    ),
    _shape(
        "google-oauth-secret",
        "Google OAuth secret",
        "gocspx- ya29.",
        rf"{_B}(?:GOCSPX-[A-Za-z0-9_-]{{24,}}|ya29\.[A-Za-z0-9_-]{{30,}})",
        revoke="the Google Cloud console",
    ),
    _shape("npm-token", "npm token", "npm_", rf"{_B}npm_[A-Za-z0-9]{{36}}{_E}", revoke="npm token revoke"),
    _shape(
        "npm-auth",
        "npm registry credential",
        "_authtoken _password _auth",
        r":_(?:authToken|password|auth)\s*=\s*['\"]?(?P<secret>[A-Za-z0-9+/=_-]{16,})",
        revoke="npm token revoke",
    ),
    _shape(
        "pypi-token",
        "PyPI token",
        "pypi-age",
        r"pypi-AgE[A-Za-z0-9_-]{60,}",
        revoke="PyPI: Account settings, API tokens",
    ),
    _shape(
        "docker-token",
        "Docker Hub token",
        "dckr_",
        rf"{_B}dckr_(?:pat|oat)_[A-Za-z0-9_-]{{24,}}",
        revoke="Docker Hub: Security",
    ),
    _shape(
        "huggingface-token",
        "Hugging Face token",
        "hf_",
        rf"{_B}hf_[A-Za-z]{{34}}{_E}",
        revoke="huggingface.co/settings/tokens",
    ),
    _shape(
        "digitalocean-token",
        "DigitalOcean token",
        "dop_v1_ doo_v1_ dor_v1_",
        rf"{_B}do[opr]_v1_[a-f0-9]{{64}}{_E}",
        revoke="DigitalOcean: API",
    ),
    _shape(
        "shopify-token",
        "Shopify token",
        "shpat_ shpca_ shppa_ shpss_",
        rf"{_B}shp(?:at|ca|pa|ss)_[a-fA-F0-9]{{32}}{_E}",
    ),
    _shape("databricks-token", "Databricks token", "dapi", rf"{_B}dapi[a-f0-9]{{32}}(?:-\d)?{_E}"),
    _shape(
        "vault-token",
        "HashiCorp Vault token",
        "hvs. hvb. hvr.",
        rf"{_B}hv[sbr]\.[A-Za-z0-9_-]{{24,}}",
        revoke="vault token revoke",
    ),
    _shape(
        "terraform-token", "HCP Terraform token", ".atlasv1.", rf"{_B}[A-Za-z0-9]{{14}}\.atlasv1\.[A-Za-z0-9_-]{{60,}}"
    ),
    _shape(
        "azure-storage-key",
        "Azure storage account key",
        "accountkey=",
        r"AccountKey=(?P<secret>[A-Za-z0-9+/]{86}==)",
        flags=_I,
    ),
    _shape(
        "azure-client-secret", "Azure AD client secret", "8q~", rf"{_B}[A-Za-z0-9_~.-]{{3}}8Q~[A-Za-z0-9_~.-]{{31,34}}"
    ),
    _shape(
        "grafana-token",
        "Grafana token",
        "glsa_ glc_",
        rf"{_B}(?:glsa_[A-Za-z0-9]{{32}}_[a-f0-9]{{8}}|glc_[A-Za-z0-9+/=]{{32,}})",
    ),
    _shape("sendgrid-key", "SendGrid API key", "sg.", rf"{_B}SG\.[A-Za-z0-9_-]{{22}}\.[A-Za-z0-9_-]{{43}}"),
    _shape("square-secret", "Square OAuth secret", "sq0csp-", rf"{_B}sq0csp-[0-9A-Za-z_-]{{43}}"),
    _shape(
        "telegram-token",
        "Telegram bot token",
        ":aa",
        rf"{_B}\d{{8,10}}:AA[0-9A-Za-z_-]{{33}}(?![0-9A-Za-z_-])",
        revoke="@BotFather",
    ),
    _shape(
        "discord-token",
        "Discord bot token",
        ".",
        rf"{_B}[MNO][A-Za-z\d_-]{{23,25}}\.[A-Za-z\d_-]{{6}}\.[A-Za-z\d_-]{{27,38}}(?![A-Za-z\d_-])",
    ),
    _shape("twilio-key", "Twilio API key", "sk", rf"{_B}SK[a-f0-9]{{32}}{_E}"),
    _shape("mailchimp-key", "Mailchimp API key", "-us", rf"{_B}[0-9a-f]{{32}}-us\d{{1,2}}{_E}"),
    _shape("age-key", "age secret key", "age-secret-key-", r"AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}"),
    _shape(
        "url-password",
        "password in a URL",
        "://",
        r"[A-Za-z][A-Za-z0-9+.-]{1,20}://[^\s:/?#\[\]@'\"<>{}|]{0,100}:"
        r"(?P<secret>[^\s/?#\[\]@'\"<>|]{3,200})@[A-Za-z0-9\[$%{]",
        severity=Severity.HIGH,
    ),
    _shape(
        "jwt",
        "JSON web token",
        "eyj",
        rf"{_B}eyJ[A-Za-z0-9_-]{{10,}}\.eyJ[A-Za-z0-9_-]{{10,}}\.[A-Za-z0-9_-]{{16,}}",
        severity=Severity.HIGH,
    ),
    _shape(
        "bearer-token",
        "token in an Authorization header",
        "bearer",
        r"authorization.{0,6}?[:=,]\s*['\"`]?bearer\s+(?P<secret>[A-Za-z0-9_.=+/-]{20,})",
        severity=Severity.HIGH,
        flags=_I,
    ),
    _shape(
        "basic-auth",
        "name and password in an Authorization header",
        "basic",
        r"authorization.{0,6}?[:=,]\s*['\"`]?basic\s+(?P<secret>[A-Za-z0-9+/]{10,}={0,2})",
        severity=Severity.HIGH,
        flags=_I,
    ),
    _shape(
        "registry-login",
        "login to a container registry",
        '"auth"',
        r"\"auth\"\s*:\s*\"(?P<secret>[A-Za-z0-9+/]{10,}={0,2})\"",
        severity=Severity.HIGH,
    ),
    *(
        _shape("command-password", "password in a command", literals, pattern, severity=Severity.HIGH)
        for literals, pattern in _COMMANDS
    ),
    _shape(
        "password-hash",
        "password hash",
        "$2a$ $2b$ $2y$ $apr1$ $1$ $5$ $6$ $y$ {sha} {ssha}",
        r"^[^:\s]{1,64}:(?P<secret>\$(?:2[aby]|apr1|1|5|6|y)\$[^\s:]{15,}|\{S?SHA\}[A-Za-z0-9+/]{20,}={0,2})",
        severity=Severity.MEDIUM,
    ),
    *(_shape(rule, title, literals, rf"{_B}(?:{pattern}){_E}") for rule, title, literals, pattern in _SERVICES),
)


def shapes_in(lowered: str) -> list[Shape]:
    """The shapes that can occur in a text at all, by its literals; ``lowered`` is the text in lower case."""
    return [shape for shape in SHAPES if any(literal in lowered for literal in shape.literals)]


def matches(line: str, lowered: str, shapes: Sequence[Shape]) -> Iterator[tuple[Shape, str, int]]:
    """``(shape, secret, offset)`` for each key in a line."""
    for shape in shapes:
        if any(literal in lowered for literal in shape.literals):
            group = "secret" if "secret" in shape.pattern.groupindex else 0
            for match in shape.pattern.finditer(line):
                yield shape, match.group(group), match.start(group)
