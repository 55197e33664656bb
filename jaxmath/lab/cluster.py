"""JAX's distributed runtime: how the processes of a job find each other, and speak.

What `jax.distributed` does not offer itself, the store of its coordinator, is reached here alone.
"""

from __future__ import annotations

import json
import os
import socket
import time
import warnings
from typing import Any

import jax
from jax._src import distributed  # the coordinator's store has no public name

from jaxmath.config.errors import InputError, LostError, Problem
from jaxmath.lab.job import Job, Leader, Line, Member
from jaxmath.lab.launch import HEARTBEAT, PATIENCE, Settings


class Store:
    """The key-value store of the job's coordinator."""

    def __init__(self, client: Any):
        self._client = client

    def put(self, key: str, value: Any) -> None:
        _asked(self._client.key_value_set, key, json.dumps(value))

    def get(self, key: str, seconds: float = 0.0) -> Any:
        if seconds:
            found = _asked(self._client.blocking_key_value_get, key, int(1000 * seconds))
        else:
            found = _asked(self._client.key_value_try_get, key)
        return found and json.loads(found)

    def below(self, prefix: str) -> dict[str, Any]:
        found = _asked(self._client.key_value_dir_get, prefix) or []
        return {key.removeprefix(prefix): json.loads(value) for key, value in found}


def _asked(function, *words):
    """What the store answers; None for what is not there, or not yet."""
    try:
        return function(*words)
    except jax.errors.JaxRuntimeError as error:
        if str(error).startswith(("NOT_FOUND", "DEADLINE_EXCEEDED")):
            return None
        raise LostError(str(error)) from error


def connect(settings: Settings, line: Line, devices: int | None) -> Job:
    """Join the job, as its leader or as a member.

    Raises:
        InputError: no cluster is found, or the coordinator's port is taken.
    """
    if settings.process == 0 and settings.coordinator:
        _check_free(settings.coordinator)
    # JAX's own handler of SIGTERM would take the place of ours.
    jax.config.update("jax_enable_preemption_service", False)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            jax.distributed.initialize(
                settings.coordinator,
                settings.processes,
                settings.process,
                cluster_detection_method="deactivate" if None not in settings else None,
                initialization_timeout=PATIENCE,
                heartbeat_timeout_seconds=HEARTBEAT,
            )
    except (ValueError, TypeError) as error:
        hint = "name them: --coordinator HOST:PORT --processes N --process I, I from 0 to N - 1"
        told = "no cluster is found around this process (SLURM, Open MPI, Kubernetes, TPU)"
        raise InputError(Problem(told, hint=hint)) from error
    except RuntimeError as error:
        raise InputError(Problem(f"the cluster cannot be joined: {error}")) from error
    state = distributed.global_state
    index, count = state.process_id, state.num_processes
    store = Store(state.client)
    line.tell(joined=[index, count])
    mates = _settle(store, index, count)
    try:
        jax.local_devices()
    except RuntimeError as error:
        raise LostError(str(error)) from error
    if index:
        return Member(store, line, index, count, mates, devices)
    return Leader(store, line, count, mates, devices)


def _check_free(coordinator: str) -> None:
    port = int(coordinator.rpartition(":")[2])
    try:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(("", port))
    except OSError as error:
        told = f"port {port} cannot be used here: {(error.strerror or str(error)).lower()}"
        hint = "name another one to all processes: --coordinator HOST:PORT"
        raise InputError(Problem(told, hint=hint)) from error


def _settle(store: Store, index: int, count: int) -> int:
    """Divide the cores of a machine among its processes, where the launcher has not done it.

    How many processes of the job are on this machine.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    store.put(f"place/{index}", [socket.gethostname(), cores])
    if index == 0:
        places: dict[str, Any] = {}
        while len(places) < count:
            places = store.below("place/")
            time.sleep(0.02)
        machines: dict[str, list[int]] = {}
        for who, (host, _) in places.items():
            machines.setdefault(host, []).append(int(who))
        for here in machines.values():
            for who in here:
                alike = [i for i in sorted(here) if places[str(i)][1] == places[str(who)][1]]
                store.put(f"seat/{who}", [alike.index(who), len(alike), len(here)])
    while not (seat := store.get(f"seat/{index}", 1.0)):
        pass
    at, sharing, mates = seat
    if sharing > 1 and cores:
        ours = cores[at * len(cores) // sharing : (at + 1) * len(cores) // sharing]
        os.sched_setaffinity(0, ours or [cores[at % len(cores)]])
    return mates
