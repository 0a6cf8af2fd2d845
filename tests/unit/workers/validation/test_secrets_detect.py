"""What counts as a secret, and what does not."""

from __future__ import annotations

import base64
import random
import string
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reign.core.findings import Severity
from tests.unit.workers.validation.keys import ANTHROPIC, AWS, ENCRYPTED_KEY, GITHUB, LINES, PRIVATE_KEY
from workers.validation.secrets.detect import Hit, secrets_in


def found(text: str, name: str = "settings.env") -> list[Hit]:
    return list(secrets_in(text, name))


@pytest.mark.parametrize("rule", sorted(LINES))
def test_a_key_is_found_once_by_the_rule_that_knows_it(rule: str) -> None:
    text = f"first line\n{LINES[rule]}\nlast line\n"
    hits = found(text)
    assert [(hit.rule, hit.line) for hit in hits] == [(rule, 2)]
    assert LINES[rule][hits[0].column - 1 :].startswith(hits[0].secret)


@pytest.mark.parametrize("rule", sorted(LINES))
def test_a_finding_never_holds_the_secret(rule: str) -> None:
    for hit in found(LINES[rule]):
        told = hit.finding("a.env").model_dump_json()
        assert hit.secret not in told
        assert hit.secret[:6] not in told or hit.secret[:6].lower() in hit.rule


@pytest.mark.parametrize(
    "line",
    [
        # placeholders of documents and samples
        "AWS_ACCESS_KEY_ID=AKIAIOSFODNN7EXAMPLE",
        "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "API_KEY=your-api-key-here",
        "API_KEY=<your key>",
        "API_KEY=xxxxxxxxxxxxxxxxxxxx",
        "password: changeme",
        "password: ********",
        'token = "REPLACE_ME_WITH_A_TOKEN"',
        "OPENAI_API_KEY=sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        "SECRET_KEY=insert-secret-here",
        "GITHUB_TOKEN=ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
        # where a secret comes from
        "DB_PASSWORD=${DB_PASSWORD}",
        "DB_PASSWORD=$DB_PASSWORD",
        "password: {{ .Values.db.password }}",
        "password: !vault |",
        "token: secret://env/GITHUB_TOKEN",
        'password = os.environ["DB_PASSWORD"]',
        "const token = process.env.API_TOKEN;",
        'password = get_secret("db/password")',
        "password = settings.database.password",
        'token: "${{ secrets.GITHUB_TOKEN }}"',
        "password: /run/secrets/db_password",
        "POSTGRES_PASSWORD_FILE=/run/secrets/db",
        "url: postgres://user:${PASSWORD}@db:5432/app",
        "url: https://user:password@example.com/",
        "url: redis://:$REDIS_PASSWORD@cache:6379",
        "url: http://USER:PASS@host/",
        # words about secrets
        'secret_name: "db-credentials"',
        "passwordPolicy: strong-2024",
        "token_type: bearer2",
        "max_tokens: 4096",
        "password_min_length = 12",
        "tokenizer = cl100k_base",
        "secretName: tls-cert-2",
        "kind: V1SecretProjection",
        '"V1SecretList": ".models.v1_secret_list",',
        "password: true",
        "secret: null",
        "Token: '#d8dee9',",
        'SECRET = "\\ue003"',
        'secret(password="another-" + word)',
        "token_expires = 2026-10-01",
        # identifiers and checksums
        "commit: 9fceb02d0ae598e95dc970b74767f19372d61af8",
        'sha = "9fceb02d0ae598e95dc970b74767f19372d61af8"',
        'digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
        'id = "123e4567-e89b-12d3-a456-426614174000"',
        "image: nginx@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        '"integrity": "sha512-9NET910DNaIPngYnLLPeg+Ogzqsi9uM4mSboU5y6p8S5DzMTVEsJZrawi+BoDNUVBa2DhJqQYUFvMDfg+"',
        'x = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"',
        'cls = "BetaToolTextEditor20250124Param"',
        'path = "/usr/lib/python3/dist-packages/setuptools/_vendor/Foo2Bar"',
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl a@b",
    ],
)
def test_what_only_looks_like_a_secret_is_left_alone(line: str) -> None:
    assert [hit for hit in found(f"{line}\n") if hit.severity is not Severity.LOW] == []


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("DB_PASSWORD=9f!kQ2-vv8Lm", ".env"),
        ("ENV DB_PASSWORD=9f!kQ2-vv8Lm", "Dockerfile"),
        ("export DB_PASSWORD='9f!kQ2-vv8Lm'", "run.sh"),
        ("mysqldump --password 9f!kQ2-vv8Lm shop", "backup.sh"),
        ("  password: 9f!kQ2-vv8Lm", "values.yaml"),
        ('{"password": "9f!kQ2-vv8Lm"}', "settings.json"),
        ('db.connect(password="9f!kQ2-vv8Lm")', "app.py"),
        ("password: str = '9f!kQ2-vv8Lm'", "app.py"),
        ("<password>9f!kQ2-vv8Lm</password>", "settings.xml"),
        ("machine example.net login ada password 9f!kQ2-vv8Lm", ".netrc"),
        ("db.internal:5432:shop:ada:9f!kQ2-vv8Lm", ".pgpass"),
        ("spring.datasource.password=9f!kQ2-vv8Lm", "application.properties"),
        ('private_key = "9f!kQ2-vv8Lm"', "main.tf"),
        ("DB_PASSWORD=SuperSecret123", ".env"),
    ],
)
def test_a_value_given_to_a_speaking_name(line: str, name: str) -> None:
    assert [hit.severity for hit in found(line, name)] == [Severity.HIGH]


def _login(password: str) -> str:
    return base64.b64encode(f"ada:{password}".encode()).decode()


RANDOM = "k7Rw2pQz9" + "vLm4"


@pytest.mark.parametrize(
    ("line", "name", "rule"),
    [
        (f"curl -fsS -u ada:{RANDOM} https://x.example.net/", "a.sh", "command-password"),
        (f"curl --user 'ada:{RANDOM}' https://x.example.net/", "a.md", "command-password"),
        (f"mysql -h db -u root -p{RANDOM} shop", "a.sh", "command-password"),
        (f"sshpass -p '{RANDOM}' ssh ada@x", "a.sh", "command-password"),
        (f"Authorization: Basic {_login(RANDOM)}", "a.http", "basic-auth"),
        (f'{{"auths": {{"r.example.net": {{"auth": "{_login(RANDOM)}"}}}}}}', "config.json", "registry-login"),
        ("ada:$apr1$ZjTq" + "BB3f$IF9gdYAGlMrs2fuINjHsz.", ".htpasswd", "password-hash"),
        (f"requirepass {RANDOM}", "redis.conf", "assigned-secret"),
        (f"  stats password {RANDOM};", "haproxy.cfg", "assigned-secret"),
        (f"machine x.example.net login ada password {RANDOM}", "notes.md", "assigned-secret"),
        (f"db:5432:shop:ada:{RANDOM}", ".pgpass", "assigned-secret"),
    ],
)
def test_a_password_among_other_words(line: str, name: str, rule: str) -> None:
    [hit] = found(line, name)
    assert (hit.rule, hit.severity) == (rule, Severity.MEDIUM if rule == "password-hash" else Severity.HIGH)


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("curl -u $NAME:$PASSWORD https://x", "a.sh"),
        ("curl -u user:password https://x", "a.sh"),
        ("mysql -p shop", "a.sh"),
        ("mysql -p$PASSWORD shop", "a.sh"),
        ("Authorization: Basic authentication", "a.md"),
        ("Authorization: Basic ZXhhbXBsZQ==", "a.http"),
        (f"Authorization: Basic {_login('your-password')}", "a.md"),
        ('{"auth": "basicauthentication"}', "a.json"),
        ("password_encryption scram-sha-256", "postgresql.conf"),
        ("PasswordAuthentication yes", "sshd.conf"),
        (f"password {RANDOM}", "notes.md"),
    ],
)
def test_words_beside_a_password_s_place_are_none(line: str, name: str) -> None:
    assert [hit for hit in found(line, name) if hit.severity is not Severity.LOW] == []


@pytest.mark.parametrize(
    "alphabet", [string.ascii_lowercase, string.ascii_letters, string.ascii_letters + string.digits]
)
def test_most_random_passwords_are_told_from_words(alphabet: str) -> None:
    some = random.Random(4711)
    passwords = ["".join(some.choices(alphabet, k=14)) for _ in range(200)]
    high = [p for p in passwords if Severity.HIGH in {hit.severity for hit in found(f"DB_PASSWORD={p}", ".env")}]
    assert len(high) > 0.9 * len(passwords)


@pytest.mark.parametrize(
    "word", ["wordpressadmin", "elasticsearch", "kubernetesadmin", "superSecretValue", "mysummerhouse24", "Tr0ub4dor"]
)
def test_words_are_no_random_passwords(word: str) -> None:
    assert Severity.HIGH not in {hit.severity for hit in found(f"DB_PASSWORD={word}", ".env")}


@pytest.mark.parametrize("length", [20, 24, 32, 40])
def test_most_random_keys_of_letters_and_digits_are_found_by_their_name(length: int) -> None:
    chosen = random.Random(length)
    keys = ["".join(chosen.choices(string.ascii_letters + string.digits, k=length)) for _ in range(100)]
    assert sum(bool(found(f'api_key = "{key}"', "app.py")) for key in keys) >= 75


@pytest.mark.parametrize(
    "name", ["getUserByIdV2", "BetaTool20250305", "OAuth2AccessTokenV1", "S3BucketKeyV4Signer", "eu-west-1-prod-db01"]
)
def test_a_name_of_code_is_no_key(name: str) -> None:
    assert found(f'auth_token = "{name}"', "app.py") == []


def test_a_header_without_a_token_in_it() -> None:
    for line in (
        "Authorization: Bearer ${TOKEN}",
        'headers={"Authorization": f"Bearer {token}"}',
        "Authorization: Bearer your-access-token-goes-here",
        '"Authorization": "Bearer accessTokenOfTheUser"',
    ):
        assert found(line, "app.py") == []


def test_a_value_without_quotes_counts_only_where_values_have_none() -> None:
    assert found("password = compute9f(kQ2)", "app.py") == []
    assert found("password = x9f!kQ2vv8Lm", "app.py") == []
    assert found("password = x9f!kQ2vv8Lm", "app.ini")


def test_a_weak_password_is_a_remark() -> None:
    assert [hit.severity for hit in found("password=test123", ".env")] == [Severity.LOW]
    assert [hit.severity for hit in found("url=postgres://scott:lion@localhost/test", ".env")] == [Severity.LOW]


def test_a_private_key_counts_only_with_its_body() -> None:
    assert [(hit.rule, hit.line, hit.severity) for hit in found(f"\n{PRIVATE_KEY}", "id_rsa")] == [
        ("private-key", 2, Severity.CRITICAL)
    ]
    assert [hit.severity for hit in found(ENCRYPTED_KEY, "key.pem")] == [Severity.HIGH]
    assert found('if "-----BEGIN RSA PRIVATE KEY-----" in text:\n    return True\n', "app.py") == []
    assert found("-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n", "README.md") == []
    short = "-----BEGIN OPENSSH PRIVATE KEY-----\n" + PRIVATE_KEY.splitlines()[1][:20] + "\n-----END"
    assert [hit.rule for hit in found(short, "id_x")] == ["private-key"]
    assert found('BEGIN = "-----BEGIN PRIVATE KEY-----"\nfrom x import serialization_of_all\n', "app.py") == []
    on_one_line = PRIVATE_KEY.replace("\n", "\\n")
    assert [hit.rule for hit in found(f'KEY = "{on_one_line}"', "app.py")] == ["private-key"]


def test_a_putty_key_is_a_private_key() -> None:
    body = PRIVATE_KEY.splitlines()[1]
    text = f"PuTTY-User-Key-File-3: ssh-rsa\nEncryption: none\nPublic-Lines: 1\n{body}\n"
    assert [hit.rule for hit in found(text, "key.ppk")] == ["private-key"]


@pytest.mark.parametrize("comment", ["# pragma: allowlist secret", "// gitleaks:allow"])
def test_a_comment_beside_it_waives(comment: str) -> None:
    hits = found(f"key = '{AWS}'  {comment}\nkey = '{GITHUB}'\n", "app.py")
    waived = [hit.finding("app.py").waived for hit in hits]
    assert waived[0] is not None
    assert waived[1] is None


def test_a_comment_on_the_line_before_waives_the_next_line_only() -> None:
    hits = found(f"# pragma: allowlist nextline secret\nkey = '{AWS}'\nkey = '{GITHUB}'\n", "app.py")
    assert [hit.allowed for hit in hits] == [True, False]


def test_lock_files_are_searched_for_keys_only() -> None:
    assert found(LINES["high-entropy"], "package-lock.json") == []
    assert found(LINES["assigned-secret"], "yarn.lock") == []
    assert [hit.rule for hit in found(f'"resolved": "https://x/{GITHUB}"', "package-lock.json")] == ["github-token"]


def test_a_key_deep_in_a_very_long_line_is_found_once() -> None:
    filler = "var a=function(b){return b};" * 600
    for cut in range(0, 900, 37):
        start = filler[: 3400 + cut]
        hits = found(f"{start} '{ANTHROPIC}' {filler}", "app.min.js")
        assert [(hit.rule, hit.column) for hit in hits] == [("anthropic-key", len(start) + 3)]


def test_the_fingerprint_is_of_the_secret_not_of_the_line() -> None:
    one = found(f"key={AWS}")[0].finding("a.env")
    moved = found(f"\n\n  other_name = '{AWS}'")[0].finding("a.env")
    other = found(f"key={AWS[:-1]}7")[0].finding("a.env")
    elsewhere = found(f"key={AWS}")[0].finding("b.env")
    assert one.fingerprint == moved.fingerprint
    assert len({one.fingerprint, other.fingerprint, elsewhere.fingerprint}) == 3


@given(st.text(alphabet="abAB01 =:'\"/-_.@$<>{}()[]\\key:passwordtoken", max_size=600))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_searched_in_time_linear_in_its_length(text: str) -> None:
    started = time.process_time()
    found(text)
    assert time.process_time() - started < 0.5


@pytest.mark.parametrize(
    "unit", ["a", "A1", "aA", "password", "token=", "://a:", "eyJ.", "key: '", "-", "aws key ", "a.", "://:"]
)
def test_endless_repetition_does_not_stall(unit: str) -> None:
    started = time.process_time()
    found(unit * (40_000 // len(unit)), "a.yaml")
    assert time.process_time() - started < 5
