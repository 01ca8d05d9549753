mv environments/layers/size ../size
ln -s ../../../size environments/layers/size
