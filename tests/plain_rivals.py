"""Attention's rivals of width 16 in NumPy and float64, one sequence and one position at a time.

Each takes its layer's weights by name and float64[T, 16], with T the length that the layer was built for.
"""

import numpy as np


def dense(p, x):
    return x @ p["kernel"] + p.get("bias", 0.0)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def silu(x):
    return x * sigmoid(x)


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def short(p, x):
    taps, padded = len(p["kernel"]), np.pad(x, ((len(p["kernel"]) - 1, 0), (0, 0)))
    return np.array([sum(padded[t + i] * p["kernel"][i] for i in range(taps)) + p["bias"] for t in range(len(x))])


def lstm(p, x):
    h, cell, out = np.zeros(16), np.zeros(16), []
    for x_t in x:
        forget, write, show, new = np.split(dense(p["gates"], x_t) + dense(p["recurrent"], h), 4)
        cell = sigmoid(forget) * cell + sigmoid(write) * np.tanh(new)
        h = sigmoid(show) * np.tanh(cell)
        out.append(h)
    return dense(p["out"], np.array(out))


def gru(p, x):
    h, out = np.zeros(16), []
    for x_t in x:
        (r_x, z_x, n_x), (r_h, z_h, n_h) = (
            np.split(part, 3) for part in (dense(p["gates"], x_t), dense(p["recurrent"], h))
        )
        z = sigmoid(z_x + z_h)
        h = z * h + (1 - z) * np.tanh(n_x + sigmoid(r_x + r_h) * n_h)
        out.append(h)
    return dense(p["out"], np.array(out))


def s4d(p, x):
    """The discrete recurrence x' = exp(a d) x + (exp(a d) - 1) / a u of each state, its real part read twice."""
    a = -np.exp(p["log_decay"]) + 1j * p["frequency"]
    kept = np.exp(a * np.exp(p["log_step"])[:, None])
    state, out = np.zeros_like(a), []
    for x_t in x:
        state = kept * state + (kept - 1) / a * x_t[:, None]
        out.append(2 * ((p["read"][0] + 1j * p["read"][1]) * state).sum(1).real + p["through"] * x_t)
    return dense(p["out"], gelu(np.array(out)))


def retnet(p, x):
    """The parallel form, each pair of positions by itself; complex numbers turn queries and keys."""
    heads, width = 2, 8
    q, k, v, gate = np.split(dense(p["qkvg"], x), 4, axis=1)
    out = np.zeros((len(x), heads * width))
    for h in range(heads):
        at, decay = slice(h * width, (h + 1) * width), 1 - 2.0 ** (-5 - h)
        turn = 10_000.0 ** (-np.arange(width // 2) / (width // 2))
        as_complex = [part[:, at][:, : width // 2] + 1j * part[:, at][:, width // 2 :] for part in (q, k)]
        for t in range(len(x)):
            y = np.zeros(width)
            for s in range(t + 1):
                pair = as_complex[0][t] * np.exp(1j * (t - s) * turn) * as_complex[1][s].conj()
                y += decay ** (t - s) * pair.sum().real / np.sqrt(width) * v[s, at]
            out[t, at] = (y - y.mean()) / np.sqrt(y.var() + 1e-5)
    return dense(p["out"], silu(gate) * out)


def hyena(p, x):
    z, *gates = np.split(short(p["short"], dense(p["into"], x)), 3, axis=1)
    time = np.arange(len(x))[:, None] / len(x)
    angle = 2 * np.pi * time * np.arange(1, 5)
    hidden = np.concatenate([time, np.cos(angle), np.sin(angle)], axis=1)
    *inner, last = p["filter"]["layers"].values()
    for layer in inner:
        hidden = np.sin(dense(layer, hidden))
    window = np.exp(-np.log(100) * time / np.linspace(0.3, 1.5, 16))
    filters = dense(last, hidden).reshape(len(x), 2, 16) * (window / np.sqrt((window**2).sum(0)))[:, None]
    filters[0] += p["filter"]["through"]
    for n, gate in enumerate(gates):
        z = gate * np.array([sum(filters[t - s, n] * z[s] for s in range(t + 1)) for t in range(len(x))])
    return dense(p["out"], z)


def mamba(p, x):
    x, gate = np.split(dense(p["into"], x), 2, axis=1)
    x = silu(short(p["short"], x))
    low, write, read = np.split(dense(p["select"], x), [1, 17], axis=1)
    step = np.log1p(np.exp(dense(p["step_size"], low)))
    state, out = np.zeros((16, 16)), []
    for t in range(len(x)):
        state = np.exp(-step[t] * np.exp(p["log_decay"])) * state + np.outer(write[t], step[t] * x[t])
        out.append(read[t] @ state + p["through"] * x[t])
    return dense(p["out"], np.array(out) * silu(gate))
