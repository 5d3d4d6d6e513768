"""What a secret looks like: detect-secrets' detectors, and the rules notebooks need beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Literal, NamedTuple

from detect_secrets.plugins.artifactory import ArtifactoryDetector
from detect_secrets.plugins.aws import AWSKeyDetector
from detect_secrets.plugins.azure_storage_key import AzureStorageKeyDetector
from detect_secrets.plugins.base import BasePlugin, RegexBasedDetector
from detect_secrets.plugins.cloudant import CloudantDetector
from detect_secrets.plugins.discord import DiscordBotTokenDetector
from detect_secrets.plugins.github_token import GitHubTokenDetector
from detect_secrets.plugins.gitlab_token import GitLabTokenDetector
from detect_secrets.plugins.ibm_cloud_iam import IbmCloudIamDetector
from detect_secrets.plugins.ibm_cos_hmac import IbmCosHmacDetector
from detect_secrets.plugins.jwt import JwtTokenDetector
from detect_secrets.plugins.keyword import KeywordDetector
from detect_secrets.plugins.mailchimp import MailchimpDetector
from detect_secrets.plugins.npm import NpmDetector
from detect_secrets.plugins.openai import OpenAIDetector
from detect_secrets.plugins.private_key import PrivateKeyDetector
from detect_secrets.plugins.pypi_token import PypiTokenDetector
from detect_secrets.plugins.sendgrid import SendGridDetector
from detect_secrets.plugins.slack import SlackDetector
from detect_secrets.plugins.softlayer import SoftlayerDetector
from detect_secrets.plugins.square_oauth import SquareOAuthDetector
from detect_secrets.plugins.stripe import StripeDetector
from detect_secrets.plugins.telegram_token import TelegramBotTokenDetector
from detect_secrets.plugins.twilio import TwilioKeyDetector

from py_mlops.secrets.plausible import is_no_filler, looks_generated, looks_like_password


class Rule(NamedTuple):
    """How one kind of secret is found in a line.

    Attributes:
        kind: Its name, for people.
        anchors: Lower-case texts, one of which stands in every line it can match.
        find: Yields the secrets of a line; a tuple where several groups could match.
        accepts: Says whether what was found is no placeholder.
        form: The only form of text it reads: code, or what was shown (and lines of a shell).
        gate: Found in every text it can match; for anchors that stand everywhere.
    """

    kind: str
    anchors: tuple[str, ...]
    find: Callable[[str], Iterable[object]]
    accepts: Callable[[str], bool] = is_no_filler
    form: Literal["code", "shown"] | None = None
    gate: re.Pattern[str] | None = None


def _plugin(plugin: type[BasePlugin], *anchors: str) -> Rule:
    return Rule(str(plugin.secret_type), anchors, plugin().analyze_string)


def _whole(plugin: type[RegexBasedDetector], *anchors: str) -> Rule:
    """Take what the expressions match as a whole; of these detectors' they capture the prefix."""
    expressions = list(plugin().denylist)

    def find(line: str) -> list[object]:
        return [found.group() for one in expressions for found in one.finditer(line)]

    return _plugin(plugin, *anchors)._replace(find=find)


def _pattern(
    kind: str,
    anchors: tuple[str, ...],
    pattern: str,
    accepts: Callable[[str], bool] = is_no_filler,
    *,
    form: Literal["code", "shown"] | None = None,
) -> Rule:
    found = re.compile(pattern).findall
    return Rule(kind, anchors, found, accepts, form)


# Without the detectors of any IP address and of any high-entropy string: in notebooks nearly
# all of those are digests, ids and images. Entropy counts only where a name says "secret".
_OF_DETECT_SECRETS = (
    _plugin(ArtifactoryDetector, "artifactory", "jfrog", "akc"),
    _plugin(AWSKeyDetector, "akia", "asia", "abia", "acca", "a3t", "aws"),
    _plugin(AzureStorageKeyDetector, "accountkey="),
    _plugin(CloudantDetector, "cloudant"),
    _plugin(DiscordBotTokenDetector, ".")._replace(
        gate=re.compile(r"[MNO][\w-]{23,25}\.[\w-]{6}\.")
    ),
    _whole(GitHubTokenDetector, "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    _whole(GitLabTokenDetector, "gl", "gr1348941")._replace(
        gate=re.compile(r"gl(?:pat|dt|ft|soat|rt|cbt|imt|ptt|agent|oas)-|GR1348941")
    ),
    _plugin(IbmCloudIamDetector, "ibm", "_iam"),
    _plugin(IbmCosHmacDetector, "ibm", "cos_", "cos-", "hmac"),
    _plugin(JwtTokenDetector, "eyj"),
    _plugin(MailchimpDetector, "-us"),
    _plugin(NpmDetector, "_authtoken"),
    _plugin(OpenAIDetector, "t3blbkfj"),
    _plugin(PrivateKeyDetector, "private key", "putty-user-key"),
    _plugin(PypiTokenDetector, "pypi-"),
    _plugin(SendGridDetector, "sg."),
    _plugin(SlackDetector, "xox", "hooks.slack.com"),
    _plugin(SoftlayerDetector, "softlayer", "sl_"),
    _plugin(SquareOAuthDetector, "sq0csp"),
    _plugin(StripeDetector, "k_live_"),
    _plugin(TelegramBotTokenDetector, ":")._replace(gate=re.compile(r"\d{8}:[\w-]{35}")),
    _plugin(TwilioKeyDetector, "ac", "sk")._replace(gate=re.compile(r"(?:AC|SK)[a-z0-9]{32}")),
    _plugin(KeywordDetector, "pass", "pwd", "secret", "key", "contrase")._replace(
        accepts=looks_like_password, form="code"
    ),
)

_OF_SERVICES = (
    _pattern("Google API Key", ("aiza",), r"\bAIza[\w-]{35}(?![\w-])"),
    _pattern("Google OAuth Secret", ("gocspx-", "ya29."), r"\b(?:GOCSPX-|ya29\.)[\w-]{20,}"),
    _pattern("Hugging Face Token", ("hf_", "api_org_"), r"\b(?:hf|api_org)_[A-Za-z0-9]{30,}\b"),
    _pattern(
        "OpenAI Token",
        ("sk-",),
        r"\bsk-(?:(?:proj|svcacct|admin|or-v1)-[\w-]{20,}|[A-Za-z0-9]{32,})",
    ),
    _pattern("Anthropic Token", ("sk-ant-",), r"\bsk-ant-[\w-]{20,}"),
    _pattern("GitHub Token", ("github_pat_",), r"\bgithub_pat_\w{22,}"),
    _pattern(
        "Slack Token", ("xapp-", "xoxe", "xoxc", "xoxd"), r"\b(?:xapp|xox[ecd])[.-][\w.%-]{20,}"
    ),
    _pattern("Databricks Token", ("dapi",), r"\bdapi[0-9a-f]{32}\b"),
    _pattern("NPM tokens", ("npm_",), r"\bnpm_[A-Za-z0-9]{36}\b"),
    _pattern("DigitalOcean Token", ("_v1_",), r"\bdo[opr]_v1_[0-9a-f]{64}\b"),
    _pattern("Shopify Token", ("shp",), r"\bshp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}\b"),
    _pattern("Vault Token", ("hvs.", "hvb."), r"\bhv[sb]\.[\w-]{24,}"),
    _pattern("Groq Token", ("gsk_",), r"\bgsk_[A-Za-z0-9]{40,}"),
    _pattern("Replicate Token", ("r8_",), r"\br8_[A-Za-z0-9]{30,}"),
    _pattern("Perplexity Token", ("pplx-",), r"\bpplx-[A-Za-z0-9]{32,}"),
    _pattern("Grafana Token", ("glsa_", "glc_"), r"\bgl(?:sa|c)_[\w=+/]{32,}"),
    _pattern(
        "Stripe Access Key", ("k_test_", "whsec_"), r"\b(?:[rs]k_test|whsec)_[A-Za-z0-9]{20,}"
    ),
    _pattern("Linear or Notion Token", ("lin_api_", "ntn_"), r"\b(?:lin_api|ntn)_[A-Za-z0-9]{32,}"),
    _pattern(
        "Discord Webhook", ("api/webhooks",), r"discord(?:app)?\.com/api/webhooks/\d+/([\w-]{50,})"
    ),
    _pattern("Azure Client Secret", ("q~",), r"(?<![\w~.-])[\w~.-]{3}\dQ~[\w~.-]{31,34}"),
    _pattern("Azure Shared Key", ("sharedaccesskey=",), r"(?i)SharedAccessKey=([\w+/]{40,}=*)"),
    _pattern(
        "Experiment Tracker Key",
        ("wandb", "kaggle", "comet", "neptune", "username"),
        r"(?i)\bkey['\"]?\s*[:=]\s*['\"]([0-9a-z]{25,64})['\"]",
        looks_generated,
    ),
)

_NAME = (
    r"(?:token|secret|api[_-]?key|access[_-]?key|auth[_-]?key|secret[_-]?key|"
    r"private[_-]?key|account[_-]?key|encryption[_-]?key|signing[_-]?key|consumer[_-]?key|credentials?|"
    r"webhook|license[_-]?key|client[_-]?key|subscription[_-]?key|(?<![a-z])pat|(?-i:[A-Z]_KEY))"
    r"(?:[_-]?(?:id|value|v\d|\d{1,2}|prod|dev|live))?"
)
_PW = (
    r"(?:passwo?r?d|passphrase|passwort|passcode|mot_?de_?passe|"
    r"pwd|(?<![a-z])p(?:sw|w|ass))(?:[_-]\w{1,8}|\d{1,2})?"
)
_GIVEN = r"['\"]?\]?\s*(?::\s*str\s*)?(?:=>|:=|[=:,(]|\bis\b)\s*[rbuf]{0,2}"
_QUOTED = r"(?:\"([^\"\s]{4,512})\"|'([^'\s]{4,512})')"
_PARAMETERS = (
    r"(?:api[_-]?key|apikey|app[_-]?key|app[_-]?id|access[_-]?token|auth[_-]?token|token|key|"
    r"secret|client[_-]?secret|password|passwd|pwd|sig|signature|auth|x-amz-signature|"
    r"x-amz-security-token|access[_-]?key|subscription[_-]?key)"
)

_OF_CONTEXT = (
    _pattern(
        "Password in a URL",
        ("://",),
        r"://[^\s:/@'\"<>?#]*:([^\s/@'\"<>]{3,})@[\w.\[{-]",
        looks_like_password,
    ),
    _pattern(
        "Secret in a URL",
        (
            "key=",
            "id=",
            "token=",
            "secret=",
            "password=",
            "passwd=",
            "pwd=",
            "sig=",
            "signature=",
            "auth=",
        ),
        rf"(?i)[?&;]{_PARAMETERS}=([\w.~%+/-]{{12,}}=*)",
        looks_generated,
    ),
    _pattern(
        "Named Secret",
        ("token", "secret", "key", "credential", "webhook", "pat"),
        rf"(?i){_NAME}{_GIVEN}{_QUOTED}",
        looks_generated,
    ),
    _pattern(
        "Password",
        ("pass", "pwd", "psw", "pw"),
        rf"(?i){_PW}{_GIVEN}{_QUOTED}",
        looks_like_password,
    ),
    _pattern(
        "Named Secret",
        ("token", "secret", "key", "credential"),
        rf"(?i){_NAME}\s?[=:]\s?([^\s'\",;<>()\[\]{{}}]{{12,512}})(?=[\s,;'\"}}]|$)",
        looks_generated,
        form="shown",
    ),
    _pattern(
        "Password",
        ("pass", "pwd", "psw"),
        rf"(?i){_PW}(?:=|:\s)([^\s'\",;<>()\[\]{{}}]{{6,512}})(?=[\s,;'\"}}]|$)",
        lambda value: looks_like_password(value) and any(c.isdigit() for c in value),
        form="shown",
    ),
    _pattern(
        "Named Secret",
        ("env ",),
        r"^\s*%(?:set_)?env\s+\w*(?:TOKEN|SECRET|KEY|PASS|PWD|CREDENTIAL)\w*\s+(\S{6,})",
        looks_like_password,
    ),
    _pattern(
        "Authorization Header",
        ("bearer", "basic ", "authorization"),
        r"(?i)(?:\bbearer\s+|\bauthorization['\"]?\s*[:=,]\s*[rbuf]?['\"]?"
        r"(?:basic|token|apikey|bot|bearer|digest)\s+)([\w.~+/=-]{12,})",
        looks_generated,
    ),
    _pattern(
        "Basic Auth Credentials",
        ("auth",),
        r"(?i)\b(?:http)?(?:basic|digest)?_?auth\s*(?:=\s*)?\(\s*['\"][^'\"]*['\"]\s*,\s*"
        r"['\"]([^'\"\s]{3,})['\"]",
        looks_like_password,
    ),
    _pattern(
        "Basic Auth Credentials",
        (".login(",),
        r"\.login\(\s*['\"][^'\"]+['\"]\s*,\s*['\"]([^'\"]{6,64})['\"]",
        lambda value: looks_like_password(value.replace(" ", "")),
    ),
    _pattern(
        "Password in a connection string",
        ("pwd=", "password=", "passwd="),
        r"(?i)(?:[?&;]|\s)(?:pwd|passwo?r?d)=([^;&'\"\s(){}\[\],]{4,})(?=[;&'\"\s]|$)",
        lambda value: looks_like_password(value) and any(c.isdigit() for c in value),
    ),
    _pattern(
        "Password in SQL",
        ("identified", "password '", "secret '", "key_id '"),
        r"(?i)(?:\bidentified\s+(?:with\s+\S+\s+)?by|\b(?:password|secret|key_id))\s+'([^'\s]{3,})'",
        looks_like_password,
    ),
    _pattern(
        "Password on a command line",
        ("curl", "sshpass", "mysql", "--pass", "--token", "wget", "login"),
        r"(?:\bcurl\b.*?\s(?:-u|--user)[ =]['\"]?[^\s:'\"]+:|\bsshpass\s+-p\s*['\"]?|"
        r"\bmysql\w*\b.*?\s-p(?=\S)['\"]?|\s--(?:http-)?(?:password|passwd|token)[ =]['\"]?|"
        r"\blogin\b.*?\s-p\s+['\"]?)([^\s'\"]{4,})",
        looks_like_password,
    ),
)

RULES: tuple[Rule, ...] = (*_OF_DETECT_SECRETS, *_OF_SERVICES, *_OF_CONTEXT)
"""In the order in which they are asked; a secret is called by the first that finds it."""
