"""Made-up secrets in the places where notebooks leave them, put together at run time.

No line here is a secret, nor looks like one to a scanner: each is made from
pieces by a seeded generator when the test runs.
"""

from __future__ import annotations

import base64
import json
import random
import string
from typing import Literal, NamedTuple

HEX = "0123456789abcdef"
LOWER = string.ascii_lowercase + string.digits
UPPER = string.ascii_uppercase + string.digits
MIXED = string.ascii_letters + string.digits
BASE64 = MIXED + "+/"
URL = MIXED + "-_"


Where = Literal["source", "output", "sql", "http", "variables"]


class Planted(NamedTuple):
    """A text with one secret in it."""

    where: Where
    text: str
    secret: str


_dice = random.Random(20)


def made(alphabet: str, length: int) -> str:
    """Return random characters, with a digit and a letter where the alphabet has both."""
    while True:
        text = "".join(_dice.choice(alphabet) for _ in range(length))
        if any(c.isdigit() for c in text) and any(c.isalpha() for c in text):
            return text


def jwt() -> str:
    """Return a signed token's three parts."""
    parts = [json.dumps({"alg": "HS256", "typ": "JWT"}), json.dumps({"sub": "1", "name": "Ada"})]
    coded = [base64.urlsafe_b64encode(part.encode()).decode().rstrip("=") for part in parts]
    return ".".join([*coded, made(URL, 43)])


def _in_sources() -> list[tuple[str, str]]:
    return [
        ("aws_access_key_id = '{}'", "AKI" + "A" + made(UPPER, 16)),
        ("s3 = boto3.client('s3', aws_secret_access_key=\"{}\")", made(BASE64, 40)),
        ("os.environ['AWS_SECRET_ACCESS_KEY'] = '{}'", made(BASE64, 40)),
        ("os.environ['AWS_SESSION_TOKEN']='{}'", made(BASE64, 120)),
        ("os.environ.setdefault('OPENAI_API_KEY', '{}')", "s" + "k-proj-" + made(URL, 48)),
        ("openai.api_key = '{}'", "s" + "k-" + made(MIXED, 48)),
        ("client = Anthropic(api_key='{}')", "s" + "k-ant-" + "api03-" + made(URL, 80)),
        ("login(token='{}')", "h" + "f_" + made(string.ascii_letters + "1", 34)),
        ("!git clone https://{}@github.com/ada/private", "gh" + "p_" + made(MIXED, 36)),
        ("g = Github('{}')", "github" + "_pat_" + made(MIXED, 22) + "_" + made(MIXED, 59)),
        ("gl = gitlab.Gitlab(url, private_token='{}')", "glp" + "at-" + made(URL, 20)),
        ("slack = WebClient(token='{}')", "xo" + "xb-" + "123456789012-" + made(LOWER, 24)),
        (
            "requests.post('https://hooks.sl" + "ack.com/services/{}', json=m)",
            "T" + made(UPPER, 8) + "/B" + made(UPPER, 8) + "/" + made(MIXED, 24),
        ),
        ("stripe.api_key = '{}'", "s" + "k_li" + "ve_" + made(MIXED, 24)),
        ("wandb.login(key='{}')", made(HEX, 40)),
        ("%env WANDB_API_KEY={}", made(HEX, 40)),
        ('kaggle = {{"username": "ada", "key": "{}"}}', made(HEX, 32)),
        ("genai.configure(api_key='{}')", "AI" + "za" + made(URL, 35)),
        ("sg = SendGridAPIClient('{}')", "S" + "G." + made(URL, 22) + "." + made(URL, 43)),
        ("twilio = Client('AC1', auth_token='{}')", made(HEX, 32)),
        ("bot = Bot('{}')", "123456789" + ":" + made(URL, 35)),
        ("client.run('{}')", "M" + made(URL, 23) + "." + made(URL, 6) + "." + made(URL, 27)),
        ("headers = {{'Authorization': 'Bearer {}'}}", made(URL, 40)),
        ("token = '{}'", jwt()),
        ("conn = psycopg2.connect(host='db', user='ada', password='{}')", "Tr0ub4dor&3"),
        ("engine = create_engine('postgresql://ada:{}@db.example.org/shop')", "s3cr" + "et!pw"),
        ("client = MongoClient('mongodb+srv://ada:{}@cluster0.example.net')", made(MIXED, 14)),
        ("r = redis.from_url('redis://:{}@cache:6379/0')", made(MIXED, 20)),
        ("PASSWORD = '{}'", "hunter" + "2"),
        ('db_pass = "{}"', "correct" + "Horse9"),
        ("requests.get(url, auth=('ada', '{}'))", "pa55" + "-Word"),
        ("HTTPBasicAuth('ada', '{}')", made(MIXED, 12)),
        ("key = '''-----{} KEY-----\nMIIE'''", "BEGIN " + "RSA PRIVATE"),
        ("service = {{'private_key': '-----{} KEY-----\\nMIIE'}}", "BEGIN " + "PRIVATE"),
        ("SECRET_KEY = '{}'", made(MIXED + "!@#%^&*", 50)),
        ("api_secret: str = '{}'", made(HEX, 32)),
        ("blob = BlobServiceClient.from_connection_string('AccountKey={}')",
         made(BASE64, 86) + "=="),
        ("databricks = connect(access_token='{}')", "dap" + "i" + made(HEX, 32)),
        ("!curl -u ada:{} https://example.org/data.csv -o data.csv", made(MIXED, 12)),
        ("!mysql -h db -u ada -p{} shop < dump.sql", made(MIXED, 12)),
        ("!wget --user=ada --password={} https://example.org/x", made(MIXED, 12)),
        ("%%bash\nexport HF_TOKEN={}", made(MIXED, 37)),
        ("%sql mysql://ada:{}@db/shop", made(MIXED, 10)),
        ("AZURE_CLIENT_SECRET = '{}'", made(URL, 3) + "8" + "Q~" + made(URL, 34)),
        ("pinecone.init(api_key='{}')", "-".join(made(HEX, n) for n in (8, 4, 4, 4, 12))),
        ("!pip install --index-url https://ada:{}@pypi.example.org/simple x", made(MIXED, 16)),
    ]  # fmt: skip


def _in_outputs() -> list[tuple[str, str]]:
    return [
        ("environ({{'HOME': '/srv/ada', 'DB_PASSWORD': '{}', 'LANG': 'C'}})", "hunter" + "2x"),
        ("env: OPENAI_API_KEY={}", "s" + "k-" + made(MIXED, 48)),
        ("AWS_SECRET_ACCESS_KEY={}", made(BASE64, 40)),
        ("Logged in with token {}", "h" + "f_" + made(string.ascii_letters + "1", 34)),
        ("OperationalError: could not connect to postgresql://ada:{}@db:5432/shop",
         made(MIXED, 10)),
        ("{{'access_token': '{}', 'token_type': 'Bearer'}}", made(MIXED, 40)),
        ('{{"client_id": "web", "client_secret": "{}"}}', "GOC" + "SPX-" + made(URL, 28)),
        ("Authorization: Basic {}", base64.b64encode(b"ada:" + made(MIXED, 9).encode()).decode()),
        ("Response: {{'jwt': '{}'}}", jwt()),
        ("password: {}", "hunter" + "2x"),
        ("-----{} KEY-----", "BEGIN " + "OPENSSH PRIVATE"),
        ("Config(host='db', api_key='{}')", made(HEX, 32)),
        ("API_TOKEN: {}", made(MIXED, 32)),
    ]  # fmt: skip


def _in_sql() -> list[tuple[str, str]]:
    return [
        ("CREATE USER ada IDENTIFIED BY '{}'", made(MIXED, 10)),
        ("ALTER ROLE ada WITH LOGIN PASSWORD '{}'", "s3cr" + "etpw"),
        ("SELECT * FROM dblink('host=db user=ada password={}', 'SELECT 1')", made(MIXED, 10)),
        ("CREATE SECRET s (TYPE S3, KEY_ID 'x', SECRET '{}')", made(BASE64, 40)),
        ("SET s3_secret_access_key='{}'", made(BASE64, 40)),
        ("SELECT * FROM users WHERE api_key = '{}'", made(HEX, 40)),
        ("ATTACH 'postgresql://ada:{}@db/shop' AS pg", made(MIXED, 12)),
        ("COPY t FROM 's3://b/x.csv' CREDENTIALS 'aws_access_key_id={};x'",
         "AKI" + "A" + made(UPPER, 16)),
    ]  # fmt: skip


def _in_requests() -> list[tuple[str, str]]:
    return [
        ("GET https://api.example.org/v1/weather?q=Kiel&appid={}", made(HEX, 32)),
        ("GET https://api.example.org/data?api_key={}", made(MIXED, 24)),
        ("GET https://x.blob.example.net/c/b?sv=2022&sig={}%3D", made(MIXED, 42)),
        ("GET https://b.example.com/k?X-Amz-Signature={}", made(HEX, 64)),
        ("POST https://ada:{}@example.org/login", made(MIXED, 10)),
        ("GET https://api.telegram.example/bot{}/getUpdates", "987654321" + ":" + made(URL, 35)),
        ("GET https://maps.example.com/api?key={}", "AI" + "za" + made(URL, 35)),
        ("POST https://discord.com/api/web" + "hooks/123456789012345678/{}", made(URL, 68)),
        ("GET https://example.org/feed?access_token={}", jwt()),
    ]


def _in_variables() -> list[tuple[str, str]]:
    return [
        ("os.getenv('GITHUB_TOKEN', '{}')", made(MIXED, 40)),
        ("os.environ.get('DB_PASSWORD', '{}')", "hunter" + "2x"),
        ("os.putenv('API_SECRET', '{}')", made(MIXED, 24)),
        ("os.environ.update(AZURE_OPENAI_KEY=k, HF_TOKEN='{}')", made(MIXED, 37)),
        ("%set_env COHERE_API_KEY {}", made(MIXED, 40)),
        ("os.environ |= {{'NEPTUNE_API_TOKEN': '{}'}}", made(BASE64, 80)),
    ]


def planted() -> list[Planted]:
    """Return every made-up secret in its place."""
    kinds: list[tuple[Where, list[tuple[str, str]]]] = [
        ("source", _in_sources()),
        ("output", _in_outputs()),
        ("sql", _in_sql()),
        ("http", _in_requests()),
        ("variables", _in_variables()),
    ]
    return [
        Planted(where, text.format(secret), secret)
        for where, texts in kinds
        for text, secret in texts
    ]
