"""A mistake: a bare reshape mixes the positions of one head with the features of another."""


def transpose_qkv(X, num_heads):
    batch, positions, features = X.shape
    if features % num_heads:
        raise ValueError("not divisible")
    return X.reshape(batch * num_heads, positions, features // num_heads)


def transpose_output(X, num_heads):
    rows, positions, size = X.shape
    if rows % num_heads:
        raise ValueError("not divisible")
    X = X.reshape(rows // num_heads, num_heads, positions, size)
    return X.transpose(1, 2).reshape(rows // num_heads, positions, num_heads * size)
