def test_to_moves_everything(make_batch):
    moved = make_batch().to("meta")
    tensors = [moved.role, moved.valid, moved.label, moved.supervised]
    tensors += [*moved.features.values(), *moved.present.values()]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert list(moved.features) == list(moved.present) == ["audio", "text", "visual"]
