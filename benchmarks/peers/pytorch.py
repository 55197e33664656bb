"""PyTorch's training loop, as in its quickstart; only where torch is installed."""

import torch  # pyright: ignore[reportMissingImports]

from benchmarks.task import Task

NAME = "PyTorch training loop"


def prepare(task: Task):
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(task.features), torch.from_numpy(task.targets.astype("int64"))
    )

    def train(seed):
        torch.manual_seed(seed)
        layers = [torch.nn.Linear(*shape) for shape in task.shapes]
        between = [part for layer in layers[:-1] for part in (layer, torch.nn.Tanh())]
        model = torch.nn.Sequential(*between, layers[-1])
        kind = torch.optim.Adam if task.hidden else torch.optim.SGD
        optimizer = kind(model.parameters(), lr=task.rate)
        loader = torch.utils.data.DataLoader(data, task.batch_size, shuffle=True, drop_last=True)
        loss = torch.nn.CrossEntropyLoss()
        done = 0
        while done < task.steps:
            for x, y in loader:
                optimizer.zero_grad()
                loss(model(x), y).backward()
                optimizer.step()
                done += 1
                if done == task.steps:
                    break
        return [(a.weight.detach().numpy().T, a.bias.detach().numpy()) for a in layers]

    return train
