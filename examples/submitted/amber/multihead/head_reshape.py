"""Right."""


def transpose_qkv(X, num_heads):
    if X.shape[-1] % num_heads:
        raise ValueError("the number of heads must divide the number of features")
    batch, positions, features = X.shape
    X = X.reshape(batch, positions, num_heads, features // num_heads)
    return X.permute(0, 2, 1, 3).reshape(batch * num_heads, positions, -1)


def transpose_output(X, num_heads):
    if X.shape[0] % num_heads:
        raise ValueError("the rows are not a whole number of examples")
    X = X.reshape(-1, num_heads, X.shape[1], X.shape[2])
    return X.permute(0, 2, 1, 3).reshape(X.shape[0], X.shape[2], -1)
