"""What differs between forges: addresses, names of fields, who the token is."""

import json
import re
import urllib.parse

from web import Refused, Wrong, plain

# A hundred pages of a hundred comments; a pull request with more is not read to its end, and that is said.
MOST_PAGES = 100


class Comment:
    def __init__(self, number, author, body):
        self.number, self.author, self.body = number, author, body


def number_of(value):
    """Ids go into addresses, so they are numbers and nothing else."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise Wrong(1, f"the forge's answer has {plain(value)} where an id should be")
    return value


class Forge:
    limit = 65_536
    thing = "pull request"

    def __init__(self, web, repository, pull, author=None):
        self.web, self.repository, self.pull, self.author = web, repository, pull, author

    def ask(self, method, path, body=None, **query):
        try:
            return self.web.ask(method, path, body, query)
        except Refused as refused:
            raise self.explained(method, path, refused) from None

    def explained(self, method, path, refused):
        remedies = {
            301: "the repository has another name by now; say --repository with the new one",
            307: "the repository has another name by now; say --repository with the new one",
            401: "the token is wrong or has expired",
            403: f"the token may not do this: it needs {self.scope}",
            404: f"there is no {self.thing} {self.pull} in {plain(self.repository)}, or the token may not see it: it needs {self.scope}",
            410: f"the {self.thing} is gone",
            422: "the forge does not take this text; is it longer than the forge allows?",
            423: f"the conversation of the {self.thing} is locked",
        }
        remedy = remedies.get(refused.status, "")
        return Wrong(1, f"{method} {path}: {refused.status} {refused}".rstrip() + (f"\n  {remedy}" if remedy else ""))

    def listed(self, path, **query):
        """All entries of a list, over its pages, each once."""
        found, page = {}, 1
        while True:
            answer, headers = self.ask("GET", path, page=page, **{self.per_page: 100}, **query)
            if not isinstance(answer, list):
                raise Wrong(1, f"GET {path}: the answer is not a list; is this the address of the API?")
            entries = [entry for entry in answer if isinstance(entry, dict)]
            new = [entry for entry in entries if entry.get("id") not in found]
            found.update((number_of(entry.get("id")), entry) for entry in new)
            # Some versions ignore `page` and answer with everything again.
            more = 'rel="next"' in (headers.get("Link") or "") or headers.get("X-Next-Page") or len(answer) >= 100
            if not new or not more:
                return list(found.values())
            page += 1
            if page > MOST_PAGES:
                raise Wrong(1, f"the {self.thing} has more than {MOST_PAGES * 100} comments; delete some of them")

    def comments(self):
        """Comments by the token's own user, the oldest first."""
        mine = str(self.me()).casefold()
        all_of_them = [self.comment(entry) for entry in self.listed(self.comments_path(), **self.comments_query)]
        return sorted((one for one in all_of_them if one and str(one.author).casefold() == mine), key=lambda one: one.number)

    comments_query = {}

    def delete(self, number):
        try:
            self.web.ask("DELETE", self.comment_path(number))
        except Refused as refused:
            # Somebody was faster.
            if refused.status not in (404, 410):
                raise self.explained("DELETE", self.comment_path(number), refused) from None

    def create(self, text):
        self.web.ask("POST", self.comments_path(), {"body": text})

    def update(self, number, text):
        self.ask(self.change, self.comment_path(number), {"body": text})

    def prepared(self, text):
        return text


class GitHub(Forge):
    per_page = "per_page"
    change = "PATCH"
    scope = "`pull-requests: write` (in a workflow: `permissions:`; a fine-grained token: Pull requests, read and write)"

    def base(self):
        return f"/repos/{self.repository}"

    def comments_path(self):
        return f"{self.base()}/issues/{self.pull}/comments"

    def comment(self, entry):
        user = entry.get("user") if isinstance(entry.get("user"), dict) else {}
        return Comment(number_of(entry.get("id")), user.get("login"), str(entry.get("body") or ""))

    def me(self):
        if not self.author:
            self.author = self.login()
        return self.author

    def login(self):
        try:
            return self.named(self.web.get("/user")[0], "login")
        except Refused as refused:
            if refused.status != 403:
                raise self.explained("GET", "/user", refused) from None
        # The token of a workflow or of an app is no user for the first address, but has a name here.
        api = self.web.api
        graph = api[: -len("/v3")] if api.endswith("/api/v3") else api
        try:
            answer, _ = self.web.ask("POST", "/graphql", {"query": "{viewer{login}}"}, api=graph)
            return self.named(answer["data"]["viewer"], "login")
        except (Refused, KeyError, TypeError):
            raise Wrong(1, "the forge does not say who the token is; say --author, such as github-actions[bot]") from None

    @staticmethod
    def named(answer, key):
        name = answer.get(key) if isinstance(answer, dict) else None
        if not isinstance(name, str) or not name:
            raise Wrong(1, "the forge does not say who the token is; say --author")
        return name

    def head(self):
        answer, _ = self.ask("GET", f"{self.base()}/pulls/{self.pull}")
        try:
            return str(answer["head"]["sha"])
        except (KeyError, TypeError):
            raise Wrong(1, f"the forge does not say which commit the {self.thing} is at") from None

    def find(self, branch):
        """The open pull request of `owner:branch`."""
        answer, _ = self.ask("GET", f"{self.base()}/pulls", head=branch, state="open", per_page=100)
        found = [entry for entry in answer if isinstance(entry, dict)] if isinstance(answer, list) else []
        found = [entry for entry in found if isinstance(entry.get("head"), dict) and entry["head"].get("label") == branch]
        if len(found) != 1:
            raise Wrong(3, f"{plain(branch)} has {len(found)} open pull requests; there is nothing to comment on")
        self.pull = number_of(found[0].get("number"))

    def comment_path(self, number):
        return f"{self.base()}/issues/comments/{number}"


class Forgejo(GitHub):
    per_page = "limit"
    scope = "the scopes `write:issue`, `read:repository` and `read:user`"

    def login(self):
        try:
            return self.named(self.web.get("/user")[0], "login")
        except Refused as refused:
            if refused.status not in (401, 403, 404):
                raise self.explained("GET", "/user", refused) from None
        raise Wrong(1, "the forge does not say who the token is: give it the scope `read:user`, or say --author, such as forgejo-actions")

    def find(self, branch):
        raise Wrong(2, "--pull-of is for GitHub; say --pull")


class GitLab(Forge):
    per_page = "per_page"
    change = "PUT"
    limit = 1_000_000
    thing = "merge request"
    scope = "the scope `api` and the role Reporter (a project access token; CI_JOB_TOKEN cannot write notes)"
    # Oldest first, or a note that comes while the list is read shifts the pages.
    comments_query = {"sort": "asc", "order_by": "created_at"}

    def base(self):
        return f"/projects/{urllib.parse.quote(self.repository, safe='')}/merge_requests/{self.pull}"

    def comments_path(self):
        return f"{self.base()}/notes"

    def comment(self, entry):
        author = entry.get("author") if isinstance(entry.get("author"), dict) else {}
        if entry.get("system"):
            return None
        return Comment(number_of(entry.get("id")), author.get("username"), str(entry.get("body") or ""))

    def me(self):
        if not self.author:
            self.author = GitHub.named(self.ask("GET", "/user")[0], "username")
        return self.author

    def head(self):
        answer, _ = self.ask("GET", self.base())
        if not isinstance(answer, dict) or not answer.get("sha"):
            raise Wrong(1, f"the forge does not say which commit the {self.thing} is at")
        return str(answer["sha"])

    def find(self, branch):
        raise Wrong(2, "--pull-of is for GitHub; say --pull")

    def prepared(self, text):
        """A line of a note that begins with a slash and a word is a command to GitLab (`/merge`, `/approve`), wherever it came from."""
        return re.sub(r"(?m)^([ \t>]*)/(?=[A-Za-z])", r"\1\\/", text)

    def comment_path(self, number):
        return f"{self.comments_path()}/{number}"


FORGES = {"github": GitHub, "gitlab": GitLab, "forgejo": Forgejo, "gitea": Forgejo}


def surroundings(environment):
    """What a pipeline's environment says: forge, API, repository, number of the pull request."""
    get = environment.get
    if get("GITLAB_CI"):
        project = get("CI_MERGE_REQUEST_PROJECT_ID") or get("CI_PROJECT_ID")
        return "gitlab", get("CI_API_V4_URL"), project, get("CI_MERGE_REQUEST_IID")
    if get("GITHUB_ACTIONS"):
        # Forgejo and Gitea set GitHub's variables too.
        forge = "forgejo" if get("FORGEJO_ACTIONS") else "gitea" if get("GITEA_ACTIONS") else "github"
        return forge, get("GITHUB_API_URL"), get("GITHUB_REPOSITORY"), pull_of_event(get("GITHUB_EVENT_PATH"))
    return None, None, None, None


def pull_of_event(path):
    try:
        with open(path, encoding="utf-8") as file:
            return str(json.load(file)["pull_request"]["number"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def token_of(forge, environment):
    names = {"github": ["GITHUB_TOKEN", "GH_TOKEN"], "gitlab": ["GITLAB_TOKEN"]}
    names = names.get(forge, ["FORGEJO_TOKEN", "GITEA_TOKEN", "GITHUB_TOKEN"])
    for name in ["KUBEZERO_COMMENT_TOKEN", *names]:
        token = environment.get(name, "").strip()
        if token:
            if not re.fullmatch(r"[\x21-\x7e]+", token):
                raise Wrong(2, f"{name} has characters that no token has")
            return token
    raise Wrong(2, f"no token: set KUBEZERO_COMMENT_TOKEN or {names[0]} in the environment")


def headers_of(forge, token):
    if forge == "gitlab":
        return {"PRIVATE-TOKEN": token}
    if forge == "github":
        accept = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        return {"Authorization": f"Bearer {token}", **accept}
    return {"Authorization": f"token {token}"}
