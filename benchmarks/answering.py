"""A process of its own that is asked by lines of JSON and answers each by one: the server, or the load generator."""

import json
import subprocess
import sys
from typing import Any, Self


class Answering:
    """``python -m <module> <arguments>``, from entering the block to leaving it. Its end of input tells it to stop."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-m", module, *arguments]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - our own modules

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, **question: object) -> dict[str, Any]:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(timeout=60)
        assert self._process.stdout
        self._process.stdout.close()
