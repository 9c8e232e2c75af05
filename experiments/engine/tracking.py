"""Weights & Biases: a copy of the records, one W&B run per job, never able to stop or delay a training run.

All that is asked of W&B is done by one thread of its own, in order, while training goes on: a server that does not
answer keeps nobody waiting. At the end of a command the thread is given time to catch up; where it gets nothing done
for PATIENCE seconds it is given up.
"""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

from experiments.engine.job import Job

PATIENCE = 30.0  # seconds at the end of a command, for each thing that is still to be done


class Courier:
    """Does things for W&B in a thread, in order, until one of them shows that there is no use.

    A context manager, at whose end all that was asked for is done, or given up.
    """

    def __init__(self) -> None:
        self._todo: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._done = 0
        self._lost: Counter[str] = Counter()
        self.hopeless = False

    def __enter__(self) -> Courier:
        return self

    def __exit__(self, *_: object) -> None:
        self.drain()

    def ask(self, what: Callable[[], None]) -> None:
        """Does `what`, which must not raise, after all that was asked for before."""
        if self.hopeless:
            return
        with self._changed:
            self._todo.append(what)
            self._changed.notify_all()
        if self._thread is None:
            # A daemon: what hangs on a network must not keep the process from its end.
            self._thread = threading.Thread(target=self._work, name="tracking", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._todo)
                what = self._todo[0]
            if not self.hopeless:
                what()
            with self._changed:
                self._todo.popleft()
                self._done += 1
                self._changed.notify_all()

    def lose(self, job: Job, why: str) -> None:
        """Prints that a run is no longer tracked, for the first run with that reason."""
        self._lost[why] += 1
        if self._lost[why] == 1 and not self.hopeless:
            print(f"wandb: {job.id} is no longer tracked ({why}); its records are in {job.folder}", file=sys.stderr)

    def drain(self) -> None:
        """Waits until all is done that was asked for, as long as anything gets done. Prints how many runs were lost."""
        why = ""
        with self._changed:
            try:
                while self._todo and not self.hopeless:
                    before = self._done
                    if not self._changed.wait_for(lambda n=before: self._done > n, timeout=PATIENCE):
                        why = f"no answer in {PATIENCE:.0f} s"
                        break
            except KeyboardInterrupt:
                why = "interrupted"
        if why:
            self.hopeless = True
            print(f"wandb: given up ({why}); the records are complete, what W&B has of them is not", file=sys.stderr)
        for reason, number in self._lost.items():
            if number > 1:
                print(f"wandb: {number} runs are not tracked to their end ({reason})", file=sys.stderr)
        self._lost.clear()


COURIER = Courier()
_SLOW = 20.0  # seconds after which a failure to begin is the network's, which is the same for all runs


class Tracker:
    """Keeps the W&B run of one job, with the same id whenever the job is resumed.

    It is `disabled` unless `wandb.mode` asks for more.
    """

    def __init__(self, job: Job):
        self.job, self.mode = job, job.config["wandb"]["mode"]
        self._run: Any = None
        self._later(self._open)

    def _later(self, what: Callable[..., None], *args: Any) -> None:
        """Lets the courier do `what`, whose failure turns tracking off with one line, and does nothing else."""
        if self.mode == "disabled":
            return

        def harmless() -> None:
            if self.mode == "disabled":
                return
            since = time.monotonic()
            try:
                what(*args)
            except Exception as e:
                self.mode = "disabled"
                COURIER.lose(self.job, (str(e).splitlines() or [type(e).__name__])[0])
                if self._run is None and time.monotonic() - since > _SLOW and not COURIER.hopeless:
                    COURIER.hopeless = True
                    print("wandb: given up for the other runs of this command too", file=sys.stderr)

        COURIER.ask(harmless)

    def log(self, rows: Sequence[dict[str, Any]]) -> None:
        """Logs one evaluation: a number per condition and score, at its training step."""
        self._later(self._log, list(rows))

    def finish(self, end: dict[str, Any]) -> None:
        """Closes the W&B run with the end of the job."""
        self._later(self._finish, end)

    def close(self) -> None:
        """Closes the W&B run of a job that has not ended: it is resumed with the job."""
        self._later(self._finish, None)

    def _open(self) -> None:
        import wandb  # an extra: imported only if it is used

        settings = self.job.config["wandb"]
        if self.mode == "online" and not wandb.api.api_key:
            raise RuntimeError("no key: run `wandb login` or set WANDB_API_KEY")  # instead of a prompt that waits
        self._run = wandb.init(
            project=settings["project"],
            entity=settings["entity"],
            group=settings["group"] or self.job.study,
            name=self.job.folder.name,
            id=self.job.id,
            config=self.job.config,
            mode=settings["mode"],
            dir=str(self.job.folder),
            resume="allow",
            reinit="create_new",  # several jobs of one process are several runs
            settings=wandb.Settings(silent=True),
        )

    def _log(self, rows: Sequence[dict[str, Any]]) -> None:
        numbers = {
            f"{row['condition']}/{name}": value
            for row in rows
            for name, value in row.items()
            if name not in ("step", "learner", "condition", "train_loss") and isinstance(value, int | float)
        }
        if rows[0]["train_loss"] is not None:
            numbers["train_loss"] = rows[0]["train_loss"]
        self._run.log(numbers, step=rows[0]["step"])

    def _finish(self, end: dict[str, Any] | None) -> None:
        if self._run is None:
            return
        if end:
            self._run.summary.update({k: end[k] for k in ("status", "step")})
        self._run.finish(exit_code=0 if end and end["status"] == "finished" else 1)
        self._run = None
