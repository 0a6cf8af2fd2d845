"""Made-up keys with the shapes of real ones. Put together here, so that no whole key stands in a file of ours."""

from __future__ import annotations

import base64
import random
import string

_ALNUM = string.ascii_letters + string.digits
_URL = _ALNUM + "_-"
_HEX = "0123456789abcdef"
_UPPER = string.ascii_uppercase + string.digits


def _some(characters: str, count: int, seed: int = 7) -> str:
    chosen = random.Random(f"{seed}{count}{characters}")
    return "".join(chosen.choice(characters) for _ in range(count))


def _part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


JWT = ".".join((_part('{"alg":"HS256","typ":"JWT"}'), _part('{"sub":"17","name":"Ada"}'), _some(_URL, 43)))
AWS = "AKIA" + _some(_UPPER, 16)
GITHUB = "ghp_" + _some(_ALNUM, 36)
ANTHROPIC = "sk-" + "ant-api03-" + _some(_URL, 93)

#: rule -> a line with such a key in it
LINES: dict[str, str] = {
    "aws-access-key": f"aws_access_key_id = {AWS}",
    "aws-secret-key": f'aws_secret_access_key = "{_some(_ALNUM + "/+", 40)}"',
    "github-token": f"git clone with {GITHUB} please",
    "gitlab-token": "token: glpat" + "-" + _some(_URL, 20),
    "slack-token": "SLACK=xox" + "b-" + "-".join((_some("123456789", 12), _some("123456789", 12), _some(_ALNUM, 24))),
    "slack-webhook": f"https://hooks.slack.com/services/T{_some(_UPPER, 8)}/B{_some(_UPPER, 8)}/{_some(_ALNUM, 24)}",
    "stripe-key": "key = sk_" + "live_" + _some(_ALNUM, 24),
    "stripe-test-key": "key = sk_" + "test_" + _some(_ALNUM, 24),
    "anthropic-key": f"ANTHROPIC_API_KEY={ANTHROPIC}",
    "openai-key": "OPENAI_API_KEY=sk-" + "proj-" + _some(_URL, 74),
    "google-api-key": '"AIza' + _some(_URL, 35) + '"',
    "google-oauth-secret": "GOC" + "SPX-" + _some(_URL, 28),
    "npm-token": "npm_" + _some(_ALNUM, 36),
    "npm-auth": "//registry.example.com/:_authToken=" + _some(_HEX, 32),
    "pypi-token": "password = pypi-" + "AgEIcHlwaS5vcmc" + _some(_URL, 80),
    "docker-token": "dckr_" + "pat_" + _some(_URL, 27),
    "huggingface-token": "hf_" + _some(string.ascii_letters, 34),
    "digitalocean-token": "dop_" + "v1_" + _some(_HEX, 64),
    "shopify-token": "shp" + "at_" + _some(_HEX, 32),
    "databricks-token": "dapi" + _some(_HEX, 32),
    "vault-token": "hvs" + "." + _some(_URL, 90),
    "terraform-token": _some(_ALNUM, 14) + ".atlas" + "v1." + _some(_URL, 67),
    "azure-storage-key": "AccountName=a;Account" + f"Key={_some(_ALNUM + '+/', 86)}==;",
    "azure-client-secret": f"secret {_some(_ALNUM, 3)}8Q" + f"~{_some(_ALNUM, 34)}",
    "grafana-token": "gl" + f"sa_{_some(_ALNUM, 32)}_{_some(_HEX, 8)}",
    "sendgrid-key": "SG" + f".{_some(_URL, 22)}.{_some(_URL, 43)}",
    "square-secret": "sq0" + f"csp-{_some(_URL, 43)}",
    "telegram-token": f"bot {_some('123456789', 9)}:A" + f"A{_some(_URL, 33)}",
    "discord-token": f"N{_some(_ALNUM, 23)}.{_some(_ALNUM, 6)}.{_some(_URL, 27)}",
    "twilio-key": "S" + f"K{_some(_HEX, 32)}",
    "mailchimp-key": f"{_some(_HEX, 32)}-us" + "12",
    "age-key": "AGE-SECRET-" + "KEY-1" + _some("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58),
    "airtable-token": "pat" + f"{_some(_ALNUM, 14)}.{_some(_HEX, 64)}",
    "artifactory-key": "AKC" + f"p{_some(_ALNUM, 69)}",
    "atlassian-token": "ATA" + f"TT3{_some(_URL, 180)}x",
    "bearer-token": f'headers = {{"Authorization": "Bea{"rer"} {_some(_ALNUM, 44)}"}}',
    "brevo-key": "xkeysib" + f"-{_some(_HEX, 64)}-{_some(_ALNUM, 16)}",
    "buildkite-token": "bkua" + f"_{_some(_HEX, 40)}",
    "circleci-token": "CCIPAT" + f"_{_some(_ALNUM, 22)}_{_some(_HEX, 40)}",
    "contentful-token": "CFPAT" + f"-{_some(_URL, 42)}x",
    "discord-webhook": "https://discord.com/api/web" + f"hooks/{_some('123456789', 18)}/{_some(_URL, 67)}x",
    "doppler-token": "dp." + f"pt.{_some(_ALNUM, 43)}",
    "facebook-token": "EAACEd" + f"Eose0cBA{_some(_ALNUM, 60)}",
    "figma-token": "figd" + f"_{_some(_URL, 39)}x",
    "fly-token": "fo1" + f"_{_some(_URL, 42)}x",
    "groq-key": "gsk" + f"_{_some(_ALNUM, 52)}",
    "heroku-key": "HRKU" + f"-{_some(_URL, 59)}x",
    "hubspot-token": "pat" + f"-na1-{_some(_HEX, 8)}-" + "-".join([_some(_HEX, 4)] * 3) + f"-{_some(_HEX, 12)}",
    "linear-key": "lin_" + f"api_{_some(_ALNUM, 40)}",
    "mailgun-key": "key" + f"-{_some(_HEX, 32)}",
    "netlify-token": "nfp" + f"_{_some(_ALNUM, 36)}",
    "newrelic-key": "NRAK" + f"-{_some(_UPPER, 27)}",
    "notion-token": "ntn" + f"_{_some(_ALNUM, 46)}",
    "octopus-key": "API" + f"-{_some(_UPPER, 26)}",
    "perplexity-key": "pplx" + f"-{_some(_ALNUM, 48)}",
    "planetscale-token": "pscale" + f"_tkn_{_some(_URL, 42)}x",
    "postman-key": "PMAK" + f"-{_some(_HEX, 24)}-{_some(_HEX, 34)}",
    "pulumi-token": "pul" + f"-{_some(_HEX, 40)}",
    "replicate-token": "r8" + f"_{_some(_ALNUM, 37)}",
    "rubygems-key": "rubygems" + f"_{_some(_HEX, 48)}",
    "sentry-token": "sntr" + f"ys_{_some(_ALNUM, 80)}",
    "shippo-token": "shippo_" + f"live_{_some(_HEX, 40)}",
    "sonar-token": "squ" + f"_{_some(_HEX, 40)}",
    "square-token": "sq0" + f"atp-{_some(_ALNUM, 22)}",
    "supabase-token": "sbp" + f"_{_some(_HEX, 40)}",
    "tailscale-key": "tskey" + f"-auth-{_some(_ALNUM, 12)}-{_some(_ALNUM, 30)}",
    "typeform-token": "tfp" + f"_{_some(_URL, 43)}x",
    "xai-key": "xai" + f"-{_some(_ALNUM, 80)}",
    "url-password": "DATABASE_URL=postgres://shop:" + "Tr0ub4dor&3@db.internal.shop.io:5432/shop",
    "jwt": f"Authorization: Bearer {JWT}",
    "assigned-secret": "DB_PASSWORD=" + "9f!kQ2-vv8Lm",
    "high-entropy": f'seed = "{_some(_ALNUM, 48)}"',
}

PRIVATE_KEY = "\n".join(
    [
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        *(_some(_ALNUM + "+/", 64, seed) for seed in range(12)),
        "-----END RSA PRIVATE KEY-----",
    ]
)
ENCRYPTED_KEY = PRIVATE_KEY.replace("RSA PRIVATE", "ENCRYPTED PRIVATE")
