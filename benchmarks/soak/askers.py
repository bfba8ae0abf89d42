"""People and programs that ask: answers whole and streamed, streams that are cut, questions of the page, searches."""

import random
import re
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from typing import Any

import httpx

from benchmarks.soak.book import Book, Turn
from benchmarks.soak.place import Life, Site, SoakOver

SECONDS = 180.0  # of silence, after which an answer is taken for one that never comes
BUSY = {429, 503}  # the queue is full; the server ends, or nothing is loaded yet
QUESTIONS = (
    "How many days of annual leave do employees get?",
    "When are travel claims paid?",
    "Who approves parental leave, and how long before?",
    "What do I do with a receipt?",
    "Can I carry unused days over to the next year?",
    "Which zebras cross rivers?",
    "What does the handbook say about {word}?",
)
DISK_FULL = "refused because the disk is full"
UNSAVED = "could not be saved yet"  # of an answer; Docent promises to go on trying, so it must be there in the end
_RUNNING = re.compile(r"/turns/(\d+)/events")
_CONVERSATION = re.compile(r'name="conversation" value="([0-9a-f]+)"')


class Worker(threading.Thread):
    """Works through the gate until the soak is over. A connection that breaks while nobody ended the server is a
    breach, and so is whatever was not foreseen."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float) -> None:
        super().__init__(daemon=True, name=f"{type(self).__name__}-{seed}")
        self.site, self.book, self.pause = site, book, pause
        self.chance = random.Random(seed)
        self.small_disk = False  # it gets full, which commands and the server may then say

    def work(self, client: httpx.Client, life: Life) -> None:
        raise NotImplementedError

    def client(self) -> httpx.Client:
        """A new connection for each request: one that is kept may be closed by the server just as it is used."""
        limits = httpx.Limits(max_keepalive_connections=0)
        return httpx.Client(base_url=self.site.running.url, trust_env=False, timeout=SECONDS, limits=limits)

    def run(self) -> None:
        try:
            with self.site.gate.inside():
                client = self.client()
            with client:
                while True:
                    with self.site.gate.inside():
                        self._once(client, self.site.running)
                    time.sleep(self.chance.uniform(0, 2 * self.pause))
        except SoakOver:
            return
        except Exception as error:  # a thread that ended unseen would make the soak easier
            self.book.breach(f"{self.name} broke: {error!r}")

    def _once(self, client: httpx.Client, life: Life) -> None:
        try:
            self.work(client, life)
        except httpx.TransportError as error:
            if not life.fate:
                self.book.breach(f"{self.name}: {error!r}, and nobody had ended the server")
            self.book.count("requests cut by an end")

    def expect(self, response: httpx.Response, *right: int) -> bool:
        """Whether it was answered as wished; False for a refusal that is right. Anything else is a breach."""
        if response.status_code in right:
            return True
        text = response.read().decode("utf-8", "replace")
        if self.small_disk and re.search(r"disk[^.]* is full", text):
            self.book.count(DISK_FULL)
        elif response.status_code not in BUSY:
            said = " ".join(re.sub(r"<[^>]*>", " ", text.partition("<main")[2] or text).split())[:300]
            self.book.breach(f"{response.request.method} {response.request.url.path}: {response.status_code} {said}")
        else:
            self.book.count(f"refused with {response.status_code}")
        return False


def completion(question: str, *, stream: bool, tokens: int = 24) -> dict[str, Any]:
    message = {"role": "user", "content": question}
    return {"model": "docent", "messages": [message], "max_tokens": tokens, "stream": stream}


def api_end(lines: Iterable[str]) -> str:
    """How a stream of the API ended: "done", "error", or empty where it just stopped."""
    last = ""
    for line in lines:
        last = line or last
    if last == "data: [DONE]":
        return "done"
    return "error" if last.startswith("data: ") and '"error"' in last else ""


def page_end(lines: Iterable[str]) -> str:
    """How the stream of a turn ended: "done" where the finished turn came last, "unsaved" where it says that it could
    not be written yet, else empty."""
    event = end = ""
    for line in lines:
        if line.startswith("event: "):
            event = line.removeprefix("event: ")
            end = "done" if event == "end" else ""
        elif event == "end" and UNSAVED in line:
            end = "unsaved"
    return end


class Asker(Worker):
    """One browser and one program."""

    def __init__(self, site: Site, book: Book, seed: int, pause: float) -> None:
        super().__init__(site, book, seed, pause)
        self.latest: Turn | None = None
        self.kinds: tuple[tuple[int, str, Callable[[httpx.Client, Life], None]], ...] = (
            (3, "answers of the API", self.ask),
            (4, "streams of the API", self.stream),
            (2, "streams cut", self.cut),
            (4, "questions of the page", self.ask_page),
            (2, "questions of a page without script", self.ask_plainly),
            (1, "questions stopped", self.stop),
            (4, "searches", self.search),
            (3, "pages", self.look),
            (1, "conversations deleted", self.delete),
        )

    def work(self, client: httpx.Client, life: Life) -> None:
        (chosen,) = self.chance.choices(self.kinds, weights=[weight for weight, _, _ in self.kinds])
        chosen[2](client, life)
        self.book.count(chosen[1])
        self.book.count("requests")

    def question(self) -> str:
        return self.chance.choice(QUESTIONS).format(word=self.chance.choice(self.book.words() or ["leave"]))

    def ask(self, client: httpx.Client, life: Life) -> None:
        response = client.post("/v1/chat/completions", json=completion(self.question(), stream=False))
        if self.expect(response, 200) and not response.json()["choices"][0]["message"]["content"].strip():
            self.book.breach("an answer of the API is empty")

    def stream(self, client: httpx.Client, life: Life) -> None:
        body = completion(self.question(), stream=True)
        with client.stream("POST", "/v1/chat/completions", json=body) as response:
            if self.expect(response, 200):
                self.ended("a stream of the API", life, lambda: api_end(response.iter_lines()))

    def ended(self, what: str, life: Life, read: Callable[[], str]) -> str:
        """Whether a stream that had begun ended with an event, as it must unless its server was killed."""
        try:
            end = read()
        except httpx.TransportError as error:
            if life.fate != "killed":
                self.book.breach(f"{what} broke ({error!r}); its server was {life.fate or 'alone'}")
            return ""
        if not end and life.fate != "killed":
            self.book.breach(f"{what} ended without an event; its server was {life.fate or 'alone'}")
        if life.fate == "told to end":
            self.book.count("streams ended with an event at a SIGTERM")
        return end

    def cut(self, client: httpx.Client, life: Life) -> None:
        lines = self.chance.randrange(8)
        with client.stream("POST", "/v1/chat/completions", json=completion(self.question(), stream=True)) as response:
            if self.expect(response, 200):
                for _, _line in zip(range(lines), response.iter_lines(), strict=False):
                    pass

    def begin(self, client: httpx.Client, question: str) -> tuple[int, str] | None:
        """A question of the page with its script: its turn and conversation, or None where it was refused."""
        form = {"question": question}
        if self.latest is not None and self.chance.random() < 0.5:
            form |= {"conversation": self.latest.conversation, "after": str(self.latest.id), "collection": ""}
        origin = str(client.base_url).rstrip("/")
        response = client.post("/ask", data=form, headers={"HX-Request": "true", "Origin": origin})
        if not self.expect(response, 200):
            return None
        turn, conversation = _RUNNING.search(response.text), _CONVERSATION.search(response.text)
        assert turn is not None, response.text[:500]
        assert conversation is not None, response.text[:500]
        return int(turn[1]), conversation[1]

    def ask_page(self, client: httpx.Client, life: Life) -> None:
        question = self.question()
        begun = self.begin(client, question)
        if begun is None:
            return
        with client.stream("GET", f"/turns/{begun[0]}/events") as response:
            if self.expect(response, 200):
                end = self.ended("the stream of a turn", life, lambda: page_end(response.iter_lines()))
                if end == "unsaved":
                    self.unsaved()
                if end:
                    self.saw(client, begun, question)

    def unsaved(self) -> None:
        if self.small_disk:
            self.book.count("answers that were saved later")
        else:
            self.book.breach("the answer to a question could not be saved")

    def saw(self, client: httpx.Client, turn: tuple[int, str], question: str) -> None:
        self.latest = Turn(turn[0], turn[1], question, tuple(client.cookies.items()))
        self.book.answered(self.latest)

    def ask_plainly(self, client: httpx.Client, life: Life) -> None:
        question = self.question()
        response = client.post("/ask", data={"question": question})
        if self.expect(response, 303):
            place = re.fullmatch(r"/c/([0-9a-f]+)#turn-(\d+)", response.headers["Location"])
            assert place is not None, response.headers["Location"]
            self.saw(client, (int(place[2]), place[1]), question)
            shown = client.get(f"/c/{place[1]}")
            if self.expect(shown, 200) and (UNSAVED in shown.text or 'data-state="running"' in shown.text):
                self.unsaved()

    def stop(self, client: httpx.Client, life: Life) -> None:
        begun = self.begin(client, self.question())
        if begun is not None:
            time.sleep(self.chance.uniform(0, 1))
            self.expect(client.post(f"/turns/{begun[0]}/stop", headers={"HX-Request": "true"}), 204)

    def search(self, client: httpx.Client, life: Life) -> None:
        self.expect(client.post("/v1/search", json={"query": self.question()}), 200)

    def look(self, client: httpx.Client, life: Life) -> None:
        for path in ("/", "/documents", "/settings", "/status", "/examples"):
            self.expect(client.get(path), 200)
        if self.latest is not None:
            response = client.get(f"/c/{self.latest.conversation}?at={self.latest.id}")
            if self.expect(response, 200) and self.latest.question not in response.text:
                self.book.breach(f"turn {self.latest.id} is not in its conversation")

    def delete(self, client: httpx.Client, life: Life) -> None:
        if self.latest is None or self.chance.random() < 0.5:
            return
        latest, self.latest = self.latest, None
        self.book.leaves(latest.conversation)
        if self.expect(client.post(f"/c/{latest.conversation}/delete"), 303):
            self.book.is_gone(latest.conversation)


class Witness(threading.Thread):
    """A stream that is open when the server is told to end: `begun` once something of it has come."""

    def __init__(
        self, site: Site, method: str, path: str, body: object = None, cookies: httpx.Cookies | None = None
    ) -> None:
        super().__init__(daemon=True)
        self.begun = threading.Event()
        self.lines: list[str] = []
        self.problem = ""
        self._open = (site.running.url, method, path, body, cookies)

    def run(self) -> None:
        url, method, path, body, cookies = self._open
        try:
            with ExitStack() as stack:
                client = stack.enter_context(
                    httpx.Client(base_url=url, trust_env=False, timeout=SECONDS, cookies=cookies)
                )
                response = stack.enter_context(client.stream(method, path, json=body))
                for line in response.iter_lines():
                    self.lines.append(line)
                    self.begun.set()
        except httpx.HTTPError as error:
            self.problem = repr(error)
        finally:
            self.begun.set()
