"""PyTorch's training loop, as in its quickstart; only where torch is installed."""

import torch  # pyright: ignore[reportMissingImports]

NAME = "PyTorch training loop"


def prepare(features, targets, steps, batch_size, rate):
    data = torch.utils.data.TensorDataset(
        torch.from_numpy(features), torch.from_numpy(targets.astype("int64"))
    )
    classes = int(targets.max()) + 1

    def train(seed):
        torch.manual_seed(seed)
        model = torch.nn.Linear(features.shape[1], classes)
        optimizer = torch.optim.SGD(model.parameters(), lr=rate)
        loader = torch.utils.data.DataLoader(data, batch_size, shuffle=True, drop_last=True)
        loss = torch.nn.CrossEntropyLoss()
        done = 0
        while done < steps:
            for x, y in loader:
                optimizer.zero_grad()
                loss(model(x), y).backward()
                optimizer.step()
                done += 1
                if done == steps:
                    break
        return model.weight.detach().numpy().T, model.bias.detach().numpy()

    return train
