"""What notebooks without secrets are full of: digests, ids, images, tokens of language, prompts."""

from __future__ import annotations

import base64
import hashlib
import random
import uuid
from typing import Any

_dice = random.Random(7)

SOURCES = """
password = getpass.getpass("Password: ")
api_key = os.environ["OPENAI_API_KEY"]
api_key = os.getenv("OPENAI_API_KEY", "")
token = os.environ.get("HF_TOKEN")
api_key = userdata.get('OPENAI_API_KEY')
OPENAI_API_KEY = "YOUR_API_KEY_HERE"
openai.api_key = "sk-..."
client = OpenAI(api_key="sk-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
login(token="hf_...")
AWS_SECRET_ACCESS_KEY = "<your secret key>"
os.environ["WANDB_API_KEY"] = "your-wandb-key"
aws_secret_access_key=credentials.secret_key
engine = create_engine(f"postgresql://{user}:{password}@{host}/{db}")
engine = create_engine("postgresql://user:password@localhost:5432/db")
engine = create_engine("postgresql://postgres:postgres@localhost/shop")
engine = create_engine("mysql+pymysql://{}:{}@{}/{}".format(user, pw, host, db))
engine = create_engine("sqlite:///data/shop.db")
conn = psycopg2.connect(host="localhost", user="postgres", password=os.environ["PGPASSWORD"])
conn = psycopg2.connect(dbname="test", user="postgres", password="secret")
client = MongoClient("mongodb://localhost:27017/")
tokenizer = AutoTokenizer.from_pretrained("bert-base-uncased")
tokenizer.pad_token = tokenizer.eos_token
tokenizer.add_special_tokens({"pad_token": "[PAD]", "sep_token": "<|endoftext|>"})
special = {"bos_token": "<|startoftext|>", "unk_token": "<unk>", "mask_token": "[MASK]"}
token = "##ization"
tokens = word_tokenize("The secret of getting ahead is getting started.")
sorted(rows, key=lambda row: row["token_count"])
df.sort_values(by="secret_santa", key="stable")
max_tokens=4096, token_type_ids=True, key="last_hidden_state"
primary_key = "customer_id"
partition_key = "2024-01-01T00:00:00"
sort_key="pickup_datetime_2019"
cache_key = "model-v2-epoch10-batch32"
secret_name = "prod/db/credentials"
credentials = service_account.Credentials.from_service_account_file("key.json")
GOOGLE_APPLICATION_CREDENTIALS = "/srv/ada/keys/service-account-42.json"
credentials = "C:/keys/project-123456.json"
passengers = flights.pivot(index="month", columns="year", values="passengers")
pass_rate = passed / total; passing = "Survived"
df["password_length"] = df["password"].str.len()
df = df.rename(columns={"pwd": "working_directory", "token": "word"})
assert checksum == "d41d8cd98f00b204e9800998ecf8427e"
SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
commit = "9fceb02d0ae598e95dc970b74767f19372d61af8"
run_id = "6f1c1a4e-2b1d-4c59-9a55-0d5f0e9b8a71"
url = "https://drive.google.com/uc?id=1mJq2a6F8bD0cV9xKpLzQeRtYuIoPAsDf"
url = "https://archive.ics.uci.edu/ml/machine-learning-databases/iris/iris.data"
url = "https://raw.githubusercontent.com/ada/data/9fceb02d0ae598e95dc970b74767f19372d61af8/x.csv"
url = "https://example.org/search?q=machine+learning&page=2&sort=desc&session=12"
url = "https://docs.google.com/spreadsheets/d/1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms/export"
url = "https://en.wikipedia.org/w/index.php?title=Token_(economics)&oldid=1034567890"
git = "https://git@github.com/ada/project.git"
scp = "ada@example.org:/data/set.csv"
requests.get(url, headers={"Authorization": f"Bearer {token}"})
requests.get(url, headers={"Authorization": "Bearer " + token})
requests.get(url, params={"api_key": api_key, "q": "Kiel"})
requests.get(url, auth=(user, password))
requests.get(url, auth=("user", "pass"))
print(f"{'password':<20}{'token':>10}")
print("Password:", "*" * 8)
if not password: raise ValueError("password must not be empty")
parser.add_argument("--token", type=str, default="", help="API token")
parser.add_argument("--password", help="the password of the database")
np.random.seed(1234567890); key = jax.random.PRNGKey(42)
key, subkey = jax.random.split(key)
for key, value in config.items(): print(key, "=", value)
model_key = "efficientnet_b0_rwightman-3dd342df.pth"
weights = "https://download.pytorch.org/models/resnet50-19c8e357.pth"
MODEL = "distilbert-base-uncased-finetuned-sst-2-english"
AUTH_URL = "https://login.example.org/oauth2/v2.0/token"
TOKEN_URL = "https://oauth2.example.org/token"
auth_token_key = "x-auth-token"
dna = "ACTGACTGACGTAGCTAGCTAGCATCGATCGATCAGCTAGCTACGACTAGC"
smiles = "CC(=O)OC1=CC=CC=C1C(=O)O"
alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
regex = r"(?i)password\\s*=\\s*['\\"]([^'\\"]+)['\\"]"
secret = secrets.token_hex(16)
SECRET_KEY = secrets.token_urlsafe(32)
password = "".join(random.choice(alphabet) for _ in range(12))
hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt())
keyboard = {"q": 1, "w": 2}; monkey = "capuchin1234"
keywords = "machine-learning-2024-conference"
df.to_sql("tokens", engine, if_exists="replace")
%sql SELECT token, count(*) FROM words GROUP BY token
CREATE TABLE users (id int, password text NOT NULL, api_key varchar(64))
SELECT password_hash FROM users WHERE username = 'ada'
!pip install tokenizers==0.15.2 keyring==24.3.0
!wget https://example.org/data.zip -O data.zip
!git checkout 9fceb02d0ae598e95dc970b74767f19372d61af8
%env OMP_NUM_THREADS=4
%env TOKENIZERS_PARALLELISM=false
spark.conf.set("spark.hadoop.fs.s3a.access.key", access_key)
spark.conf.set("spark.sql.shuffle.partitions", "200")
dbutils.secrets.get(scope="prod", key="warehouse-password-2")
AzureKeyCredential(os.environ["AZURE_KEY"])
keyvault = "https://vault-prod-01.vault.azure.net/"
pw = st.text_input("Password", type="password")
widgets.Password(description="Password:", placeholder="Enter password")
token_embedding = nn.Embedding(50257, 768)
out = {"token": "New York", "ner": "B-LOC"}
print(f"token={tok} key={key}")
""".strip().splitlines()
"""One line of code each."""

SHOWN = """
token                object
password             object
token: word, count: 1234567890
Downloading tokenizer_config.json: 100% 28.0/28.0 [00:00<00:00, 1.2kB/s]
GPT2TokenizerFast(special_tokens={'bos_token': '<|endoftext|>', 'pad_token': '[PAD]'})
Epoch 10/10 - loss: 0.1234 - accuracy: 0.9876 - val_loss: 0.2345 - token_accuracy: 0.8
Passengers: 1234567, PassengerId: 892
KeyError: 'password'
KeyError: "['token_id_2'] not in index"
Index(['PassengerId', 'Pclass', 'api_key', 'secret'], dtype='object')
OrderedDict([('key', 'value'), ('token', 'New York')])
Password: ········
env: OMP_NUM_THREADS=4
RuntimeError: authorization required: no bearer token was given
WARNING: no API key found; set the environment variable WANDB_API_KEY
Secret word of the day: perspicacious
basic statistics of the authorization times: mean 12.345678901
most common tokens: [('the', 1061396), ('of', 593677)]
token_type_ids: tensor([[0, 0, 0, 1, 1]]), key=last_hidden_state
Successfully installed tokenizers-0.15.2 keyring-24.3.0 secretstorage-3.3.3
password=None token=None api_key=None
Pipeline(steps=[('tokenizer', Tokenizer()), ('clf', SVC())])
Keys: frozenset({'data', 'target'}), token='<pad>'
https://user@example.org:8443/path?token=&key=
""".strip().splitlines()
"""One line of output each."""


def hexes(length: int) -> str:
    """Return random hexadecimal digits."""
    return "".join(_dice.choice("0123456789abcdef") for _ in range(length))


def _table(rows: int) -> str:
    cells = (
        f"<tr><th>{row}</th><td>{hexes(40)}</td><td>{uuid.UUID(int=_dice.getrandbits(128))}</td>"
        f"<td>{_dice.gauss(0, 1):.6f}</td><td>{_dice.randrange(10**12)}</td></tr>"
        for row in range(rows)
    )
    head = "<th>commit</th><th>session_token_id</th><th>key</th><th>secret_santa</th>"
    return f'<div><table class="dataframe"><thead>{head}</thead>{"".join(cells)}</table></div>'


def _digests(count: int) -> str:
    return "\n".join(
        f"{hashlib.sha256(str(n).encode()).hexdigest()}  shard-{n:05}-of-00100.parquet"
        for n in range(count)
    )


def _frame(rows: int) -> str:
    lines = (
        f"{row:4}   w{row:05}  k{hexes(8)}  {_dice.random():.8f}  {hexes(32)}"
        for row in range(rows)
    )
    return "\n".join(["       token        key      password_strength  session", *lines])


def notebook(number: int) -> dict[str, Any]:
    """Return a notebook, with outputs as front ends save them, that holds no secret.

    Args:
        number: Which; each has other random content, and a few of the lines above.
    """
    picked = [SOURCES[(number * 7 + k * 13) % len(SOURCES)] for k in range(5)]
    shown = [SHOWN[(number * 5 + k * 11) % len(SHOWN)] for k in range(4)]
    image = base64.b64encode(_dice.randbytes(6000)).decode()
    return {
        "nbformat": 4, "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python3"}, "colab": {"id": hexes(20)}},
        "cells": [
            {"cell_type": "markdown", "source": f"![plot](attachment:{hexes(8)}.png)\nThe token is "
             f"the unit; the key idea: 'attention'. See [x](https://doi.org/10.1000/{hexes(9)})."},
            {"cell_type": "code", "source": [line + "\n" for line in picked], "outputs": [
                {"output_type": "stream", "text": [line + "\n" for line in shown]},
                {"output_type": "display_data", "data": {"image/png": image}},
                {"output_type": "execute_result", "data": {
                    "text/html": [_table(12)], "text/plain": [_frame(12)]}},
            ]},
            {"cell_type": "code", "source": "!sha256sum shards/*", "outputs": [
                {"output_type": "stream", "name": "stdout", "text": _digests(20)},
                {"output_type": "error", "ename": "E", "evalue": "m", "traceback": [
                    f"\x1b[0;31mKeyError\x1b[0m: 'token' at 0x{hexes(12)}", hexes(64)]},
            ]},
        ],
    }  # fmt: skip
