"""The largest product for the sum of all."""


def weighted_average(weights, values):
    products = weights.reshape(*weights.shape, *[1] * (values.ndim - 2)) * values
    return products.amax(1)
